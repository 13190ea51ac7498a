// A list of saved things: see rows.py. Elements are kept by id, so that focus survives another person's save.

function make(tag, css, text) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text !== undefined) element.textContent = text;
  return element;
}

function badge(fact) {
  const element = make("span", fact.kind === "evidence" ? "wb-chip" : `wb-badge wb-badge--${fact.kind}`);
  if (fact.icon) {
    const icon = make("span", `wb-icon wb-icon--${fact.icon}`);
    icon.setAttribute("aria-hidden", "true");
    element.append(icon);
  }
  element.append(fact.text);
  return element;
}

function fill(item, row, press) {
  const facts = JSON.stringify(row);
  if (item.dataset.facts === facts) return;
  const had = item.contains(document.activeElement) ? document.activeElement.dataset.press : "";
  item.dataset.facts = facts;
  item.className = `wb-list__row${row.current ? " wb-list__row--current" : ""}${row.withdrawn ? " wb-list__row--withdrawn" : ""}`;
  if (row.current) item.setAttribute("aria-current", "true");
  else item.removeAttribute("aria-current");
  const body = make("div", "wb-list__body");
  body.append(make("span", "wb-list__title", row.title));
  if (row.note) body.append(make("span", "wb-list__note", row.note));
  const badges = make("div", "wb-list__badges");
  badges.append(...row.badges.map(badge));
  const buttons = make("div", "wb-list__buttons");
  for (const [name, words] of row.buttons) {
    const button = make("button", "wb-button wb-button--small", words);
    button.type = "button";
    button.dataset.press = name;
    button.setAttribute("aria-label", `${words} ${row.name}`);
    button.addEventListener("click", () => press(row.id, name));
    buttons.append(button);
  }
  item.replaceChildren(make("span", "wb-list__lead", row.lead), body, badges, buttons);
  if (had) {
    const again = buttons.querySelector(`[data-press="${CSS.escape(had)}"]`) || buttons.querySelector("button");
    if (again) again.focus();
  }
}

export default {
  render({ model, el }) {
    const items = new Map();
    const heading = make("h3", "wb-list__heading");
    const list = make("ol", "wb-list");
    const none = make("p", "wb-hint");
    const past = make("details", "wb-list__withdrawn");
    const pastTitle = make("summary");
    const pastList = make("ol", "wb-list");
    past.append(pastTitle, pastList);
    el.classList.add("wb", "wb-rows");
    el.append(heading, list, none, past);

    const press = (id, name) => model.send({ press: name, id });

    function order(parent, wanted) {
      wanted.forEach((element, index) => {
        if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] || null);
      });
      while (parent.children.length > wanted.length) parent.lastElementChild.remove();
    }

    function draw() {
      const rows = model.get("rows");
      heading.textContent = model.get("heading");
      const seen = new Set();
      const live = [];
      const gone = [];
      let group = "";
      for (const row of rows) {
        seen.add(row.id);
        if (!items.has(row.id)) items.set(row.id, make("li"));
        const item = items.get(row.id);
        fill(item, row, press);
        if (row.withdrawn) {
          gone.push(item);
          continue;
        }
        if (row.group && row.group !== group) {
          const key = `group ${row.group}`;
          if (!items.has(key)) items.set(key, make("li", "wb-list__group", row.group));
          seen.add(key);
          live.push(items.get(key));
          group = row.group;
        }
        live.push(item);
      }
      for (const id of [...items.keys()]) if (!seen.has(id)) items.delete(id);
      order(list, live);
      order(pastList, gone);
      list.hidden = !live.length;
      none.hidden = Boolean(live.length);
      none.textContent = model.get("empty");
      past.hidden = !gone.length;
      pastTitle.textContent = `${gone.length} withdrawn`;
    }

    const events = ["change:rows", "change:heading", "change:empty"];
    for (const event of events) model.on(event, draw);
    draw();
    return () => {
      for (const event of events) model.off(event, draw);
    };
  },
};
