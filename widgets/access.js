// The helper of one form: see access.py.

const WAIT_FOR_ANSWER = 10000;
let forms = 0;

function keyOf(element) {
  for (const name of element.classList) if (name.startsWith("wb-key-")) return name.slice(7);
  return "";
}

function set(element, name, value) {
  if (value === null || value === "") {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// Ties the label's parts to the input: its name is the label alone, hint and error describe it.
function describe(field, prefix) {
  const key = keyOf(field);
  const label = field.querySelector(".widget-label");
  if (!key || !label) return;
  const ids = {};
  for (const part of ["label", "hint", "error"]) {
    const span = label.querySelector(`.wb-${part}`);
    if (span) {
      span.id = `${prefix}-${key}-${part}`;
      ids[part] = span.id;
    }
  }
  const radios = field.querySelectorAll("input[type=radio]");
  const group = radios.length ? field.querySelector(".widget-radio-box") : null;
  const target = group || field.querySelector("input, textarea, select");
  if (!target) return;
  if (group) {
    set(group, "role", "radiogroup");
    for (const radio of radios) radio.name = `${prefix}-${key}`;
    label.removeAttribute("title");
  }
  set(target, "aria-labelledby", ids.label || "");
  set(target, "aria-describedby", [ids.error, ids.hint].filter(Boolean).join(" "));
  set(target, "aria-invalid", field.classList.contains("wb-field--wrong") ? "true" : null);
  set(target, "aria-required", field.classList.contains("wb-field--required") ? "true" : null);
  if (!group) target.setAttribute("autocomplete", "off");
}

function shown(element) {
  return element.isConnected && element.getClientRects().length > 0;
}

export default {
  render({ model, el }) {
    const prefix = `wb-form-${++forms}`;
    const spoken = document.createElement("div");
    spoken.className = "wb-spoken";
    spoken.setAttribute("role", "status");
    el.append(spoken);

    let root = null;
    let observer = null;
    let ended = false;
    let busy = 0;
    let waiting = false;

    function describeAll() {
      waiting = false;
      if (ended || !root) return;
      set(root, "role", "group");
      set(root, "aria-label", model.get("form"));
      for (const field of root.querySelectorAll(".wb-field")) describe(field, prefix);
      for (const chip of root.querySelectorAll("button.wb-chip")) set(chip, "aria-label", chip.title);
      const chips = root.querySelector(".wb-evidence");
      const title = chips && chips.querySelector(".wb-label");
      if (title) {
        title.id = `${prefix}-evidence-label`;
        set(chips, "role", "group");
        set(chips, "aria-labelledby", title.id);
      }
    }

    function describeSoon() {
      if (waiting) return;
      waiting = true;
      queueMicrotask(describeAll);
    }

    function send(button) {
      const name = [...button.classList].find((one) => one.startsWith("wb-send-"));
      if (!name || button.disabled || Date.now() - busy < WAIT_FOR_ANSWER) return;
      busy = Date.now();
      const typed = {};
      for (const field of root.querySelectorAll(".wb-field")) {
        const input = field.querySelector("input[type=text], textarea");
        if (input) typed[keyOf(field)] = input.value;
      }
      model.send({ send: name.slice(8), typed });
    }

    function pressed(event) {
      const button = event.target.closest("button[class*='wb-send-']");
      if (!button || !root.contains(button)) return;
      event.stopPropagation();
      event.preventDefault();
      send(button);
    }

    function key(event) {
      if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
      const strong = event.ctrlKey || event.metaKey;
      const oneLine = event.target.matches("input[type=text]");
      if (!strong && !oneLine) return;
      const button = [...root.querySelectorAll("button[class*='wb-send-']")].find(shown);
      if (!button) return;
      event.stopPropagation();
      event.preventDefault();
      send(button);
    }

    function focus(name, tries = 20) {
      if (ended || !root) return;
      const field = root.querySelector(`.wb-key-${CSS.escape(name)}`);
      const inside = "input:not([type=radio]), input[type=radio]:checked, input[type=radio], textarea, select, button";
      const target = field && (field.matches("button") ? field : field.querySelector(inside));
      if (target && shown(target)) target.focus();
      else if (tries) setTimeout(() => focus(name, tries - 1), 50);
    }

    function say(text) {
      spoken.textContent = "";
      setTimeout(() => (spoken.textContent = text), 60);
    }

    function heard(message) {
      if (message.done) busy = 0;
      if (message.say) say(message.say);
      if (message.focus) focus(message.focus);
    }

    function attach() {
      if (ended) return;
      root = el.closest(".wb-form");
      if (!root) return void setTimeout(attach, 30);
      root.addEventListener("click", pressed, true);
      root.addEventListener("keydown", key, true);
      observer = new MutationObserver(describeSoon);
      observer.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["class", "title"] });
      describeAll();
    }

    model.on("msg:custom", heard);
    model.on("change:form", describeSoon);
    attach();
    return () => {
      ended = true;
      model.off("msg:custom", heard);
      model.off("change:form", describeSoon);
      if (observer) observer.disconnect();
      if (root) {
        root.removeEventListener("click", pressed, true);
        root.removeEventListener("keydown", key, true);
      }
    };
  },
};
