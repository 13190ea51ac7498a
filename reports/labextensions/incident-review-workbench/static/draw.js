/* Draws our charts wherever they are shown: the published page, JupyterLab and Voila all load this one file.

   window.incidentWorkbench = {
     vegaEmbed(): Promise of the vegaEmbed function, loaded once from beside this file,
     draw(element, spec): Promise; draws into the element, and again when its width changes; element.wbStop() ends that,
     figure(spec, about): an element with the finding, the chart and the same as a table; about is the figure's metadata
   }

   A specification says "container" where it wants all the room there is. Vega-Lite understands that for a single view
   only, so the room is measured here and written into every view: a chart is drawn anew for a phone, not shrunk. */
(function () {
  "use strict";
  if (window.incidentWorkbench) return;

  const here = document.currentScript ? document.currentScript.src : "";
  const refuse = () => Promise.reject(new Error("Charts hold their data; nothing is loaded"));
  const OPTIONS = {
    mode: "vega-lite",
    actions: false,
    renderer: "svg",
    ast: true,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
    loader: { load: refuse, sanitize: refuse, http: refuse, file: refuse },
  };
  let loading = null;

  function vegaEmbed() {
    if (window.vegaEmbed) return Promise.resolve(window.vegaEmbed);
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("vega-bundle.js", here).href;
      script.onload = () => (window.vegaEmbed ? resolve(window.vegaEmbed) : reject(new Error("No charts in the bundle")));
      script.onerror = () => reject(new Error("The file vega-bundle.js could not be loaded"));
      document.head.append(script);
    });
    return loading;
  }

  const parameter = (spec, name, otherwise) =>
    (spec.params || []).find((one) => one.name === name)?.value ?? otherwise;

  /* Returns the specification with the measured room in it. `gutter` is what axes and labels take beside a view,
     `least` the narrowest a tile of several may be. */
  function fitted(spec, room) {
    const made = structuredClone(spec);
    delete made.usermeta;
    const gutter = parameter(made, "gutter", 0);
    const spacing = typeof made.spacing === "number" ? made.spacing : 20;
    for (const one of made.params || []) if (one.name === "room") one.value = room;
    const views = made.vconcat || made.concat;
    if (!views) {
      if (gutter && made.width === "container") made.width = Math.max(120, room - gutter);
      return made;
    }
    let width = room - gutter;
    if (made.concat) {
      const least = parameter(made, "least", 220);
      made.columns = Math.max(1, Math.min(made.columns || 3, Math.floor((room + spacing) / (least + spacing))));
      width = Math.floor((room - spacing * (made.columns - 1)) / made.columns) - gutter;
    }
    for (const view of views) if (view.width === "container") view.width = Math.max(80, width);
    return made;
  }

  function draw(element, spec) {
    const place = document.createElement("div");
    place.className = "wb-drawing";
    element.append(place);
    let drawn = 0;
    let result = null;
    let pending = 0;
    async function now() {
      const room = Math.floor(place.clientWidth);
      if (!room || room === drawn) return;
      drawn = room;
      const embed = await vegaEmbed();
      result?.finalize();
      result = await embed(place, fitted(spec, room), OPTIONS);
      // The element around it has the sentence that says what is to be seen.
      place.querySelector("svg")?.setAttribute("aria-hidden", "true");
    }
    const tell = (error) => {
      place.textContent = "This chart could not be drawn; its table holds the same.";
      console.error(error);
    };
    const watching = new ResizeObserver(() => {
      clearTimeout(pending);
      pending = setTimeout(() => now().catch(tell), drawn ? 150 : 0);
    });
    watching.observe(place);
    element.wbStop = () => {
      watching.disconnect();
      clearTimeout(pending);
      result?.finalize();
    };
    return now().catch(tell);
  }

  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function table(about) {
    const scroll = make("div", "wb-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", about.title || "Table");
    const made = make("table", "wb-table");
    const head = make("tr");
    for (const column of about.columns) {
      const cell = make("th", column.numeric ? "wb-number" : "", column.label);
      cell.scope = "col";
      head.append(cell);
    }
    made.createTHead().append(head);
    const body = made.createTBody();
    for (const row of about.rows) {
      const line = make("tr");
      row.forEach((cell, place) => line.append(make("td", about.columns[place]?.numeric ? "wb-number" : "", cell)));
      body.append(line);
    }
    scroll.append(made);
    return scroll;
  }

  function figure(spec, about) {
    const known = about || {};
    const made = make("figure", "wb wb-figure");
    if (known.title) made.append(make("h3", "wb-figure__title", known.title));
    if (known.subtitle) made.append(make("p", "wb-figure__dek", known.subtitle));
    if (spec && Object.keys(spec).length) {
      const chart = make("div", "wb-chart");
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", known.alt || spec.description || "Chart");
      made.append(chart);
    }
    const foot = make("div", "wb-figure__foot");
    if (known.key?.length) {
      const keys = make("ul", "wb-keys");
      for (const [name, token] of known.key) {
        const entry = make("li");
        const swatch = make("span", `wb-key wb-key--${token}`);
        swatch.setAttribute("aria-hidden", "true");
        entry.append(swatch, name);
        keys.append(entry);
      }
      foot.append(keys);
    }
    if (known.citation) foot.append(make("p", "wb-figure__source", `From ${known.citation}`));
    if (known.columns?.length && known.rows?.length) {
      const details = make("details", "wb-figure__table");
      details.append(make("summary", "", "Show as table"), table(known));
      foot.append(details);
    }
    if (foot.children.length) made.append(foot);
    return made;
  }

  window.incidentWorkbench = { vegaEmbed, draw, figure };
})();
