// One metric over time with two handles: see plot.py. Vega draws; the marking is ours, so that a keyboard can do it too.

const FONT = "Inter, system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"; // as the theme of all charts has it
const NEAR = 8; // pixels within which a mark snaps to a sample
const CLICK = 4; // pixels within which a drag is a click
const LABELS = ["Start of the marked span", "End of the marked span"];
const HELP = "Drag to mark a span, click for a moment. Keyboard: Tab to a handle, arrow keys move it by one sample. Or type the times.";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const colour = (name, light) => `var(--wb-${name},${light})`;

function make(tag, css, text) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text) element.textContent = text;
  return element;
}

function clock(time) {
  const told = new Date(time).toISOString().slice(11, 23);
  return told.endsWith(".000") ? told.slice(0, 8) : told;
}

function day(time) {
  const date = new Date(time);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

// The script that draws every chart comes from our extension, which may still be loading.
async function vegaEmbed() {
  for (let tries = 0; tries < 100; tries++) {
    const ours = window.incidentWorkbench;
    if (ours && ours.vegaEmbed) return ours.vegaEmbed();
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("the extension incident-review-workbench is not on this page");
}

function specification(model) {
  const points = [];
  for (const line of model.get("lines")) {
    line.times.forEach((time, index) => points.push({ time, value: line.values[index], name: line.name, hot: line.hot }));
  }
  const [start, end] = model.get("span");
  const [from, to] = model.get("incident");
  const x = { field: "time", type: "temporal", scale: { type: "utc", domain: [start, end], nice: false } };
  const y = { field: "value", type: "quantitative", title: null, scale: { nice: true } };
  const text = { labelColor: colour("ink-2", "#435061"), labelFontSize: 12, labelFont: FONT };
  const hot = colour("incident", "#b23c0a");
  const calm = colour("context", "#b9c3ce");
  const many = model.get("lines").length > 1;
  const drawn = (kind, filter, mark) => ({ transform: [{ filter }], mark: { type: kind, ...mark } });
  return {
    width: "container",
    height: 150,
    background: "transparent",
    autosize: { type: "fit-x", contains: "padding" },
    data: { values: points },
    encoding: { x: { ...x, axis: { ...text, format: "%H:%M", title: null, grid: false, labelOverlap: true, tickCount: 6, domainColor: colour("edge", "#7d8b9c"), tickColor: colour("edge", "#7d8b9c") } } },
    layer: [
      {
        data: { values: [{ from: Math.max(from, start), to: Math.min(to, end) }] },
        mark: { type: "rect", color: colour("incident-tint", "#fcebe0") },
        encoding: { x: { ...x, field: "from" }, x2: { field: "to" } },
      },
      {
        data: { values: model.get("marks").filter((mark) => mark.at >= start && mark.at <= end) },
        mark: { type: "rule", strokeDash: [2, 3], color: colour("ink-3", "#5c697a") },
        encoding: { x: { ...x, field: "at" }, tooltip: { field: "name", type: "nominal" } },
      },
      {
        encoding: { y: { ...y, axis: { ...text, domain: false, ticks: false, tickCount: 3, gridColor: colour("hairline", "#d6dde5") } }, detail: { field: "name", type: "nominal" } },
        layer: [
          drawn("line", "!datum.hot", { color: calm, strokeWidth: many ? 1 : 2.2 }),
          drawn("line", "datum.hot", { color: hot, strokeWidth: 2.2 }),
          drawn("point", "datum.hot", { color: hot, filled: true, size: 28, opacity: 1 }),
        ],
      },
    ],
    config: { view: { stroke: null }, aria: false, font: FONT },
  };
}

export default {
  render({ model, el }) {
    const figure = make("figure", "wb-plot");
    const title = make("figcaption", "wb-plot__title");
    const told = make("p", "wb-hint wb-plot__told");
    const box = make("div", "wb-plot__box");
    const chart = make("div", "wb-plot__chart");
    chart.setAttribute("aria-hidden", "true");
    const area = make("div", "wb-plot__area");
    const marked = make("div", "wb-plot__marked");
    const handles = LABELS.map((label) => {
      const handle = make("div", "wb-plot__handle");
      handle.tabIndex = 0;
      handle.setAttribute("role", "slider");
      handle.setAttribute("aria-orientation", "horizontal");
      handle.setAttribute("aria-label", label);
      return handle;
    });
    area.append(marked, ...handles);
    box.append(chart, area);
    figure.append(title, told, box, make("p", "wb-plot__help", HELP));
    el.append(figure);

    let view = null;
    let finish = () => {};
    let drawing = 0;
    let times = []; // of all samples, in order, each once
    let marks = []; // what is marked now: none, one or two times
    let grip = null; // a drag that is going on
    let telling = 0;

    const scale = () => view.scale("x");
    const pixel = (time) => scale()(time);
    const clamp = (time) => Math.min(Math.max(time, model.get("span")[0]), model.get("span")[1]);

    function nearest(time) {
      return times.reduce((best, one) => (Math.abs(one - time) < Math.abs(best - time) ? one : best), times[0]);
    }

    function timeAt(x) {
      const time = clamp(Number(scale().invert(x)));
      const sample = times.length ? nearest(time) : time;
      return Math.abs(pixel(sample) - x) <= NEAR ? sample : Math.round(time / 1000) * 1000;
    }

    function shown() {
      // Where the handles stand before anything is marked: where the incident starts.
      const rest = times.length ? nearest(model.get("incident")[0]) : model.get("incident")[0];
      return marks.length ? [marks[0], marks[marks.length - 1]] : [rest, rest];
    }

    function place() {
      if (!view) return;
      const svg = chart.querySelector("svg");
      if (!svg) return;
      const [left, top] = view.origin();
      const padding = view.padding();
      const outer = box.getBoundingClientRect();
      const inner = svg.getBoundingClientRect();
      Object.assign(area.style, {
        left: `${inner.left - outer.left + padding.left + left}px`,
        top: `${inner.top - outer.top + padding.top + top}px`,
        width: `${view.width()}px`,
        height: `${view.height()}px`,
      });
      const ends = shown();
      const [from, to] = ends.map(pixel);
      marked.hidden = !marks.length;
      Object.assign(marked.style, { left: `${from}px`, width: `${Math.max(to - from, 0)}px` });
      const [first, last] = model.get("span");
      handles.forEach((handle, index) => {
        handle.style.left = `${[from, to][index]}px`;
        handle.classList.toggle("wb-plot__handle--resting", !marks.length);
        handle.setAttribute("aria-valuemin", first);
        handle.setAttribute("aria-valuemax", last);
        handle.setAttribute("aria-valuenow", ends[index]);
        handle.setAttribute("aria-valuetext", `${clock(ends[index])} UTC, ${day(ends[index])}${marks.length ? "" : ", nothing marked yet"}`);
      });
      const [start, end] = model.get("span");
      const seen = `${model.get("subject")}, ${day(start)}, ${clock(start).slice(0, 5)}–${clock(end).slice(0, 5)} UTC.`;
      const selected = marks.length === 2 ? `Marked ${clock(marks[0])}–${clock(marks[1])}.` : marks.length ? `Marked ${clock(marks[0])}.` : "";
      told.textContent = `${seen} ${selected}`.trim();
    }

    function mark(next, soon = 0) {
      const sorted = [...next].sort((a, b) => a - b);
      marks = sorted.length === 2 && sorted[0] === sorted[1] ? [sorted[0]] : sorted;
      place();
      clearTimeout(telling);
      if (soon < 0) return;
      telling = setTimeout(() => {
        model.set("selection", marks);
        model.save_changes();
      }, soon);
    }

    function x(event) {
      return event.clientX - area.getBoundingClientRect().left;
    }

    function down(event) {
      if (!view || event.button) return;
      const handle = handles.indexOf(event.target);
      const ends = shown();
      grip = { from: x(event), fixed: handle >= 0 && marks.length ? ends[1 - handle] : timeAt(x(event)), moved: false, handle };
      area.setPointerCapture(event.pointerId);
      event.preventDefault();
      (handles[Math.max(handle, 0)]).focus({ preventScroll: true });
    }

    function move(event) {
      if (!grip) return;
      if (Math.abs(x(event) - grip.from) > CLICK) grip.moved = true;
      if (grip.moved) mark([grip.fixed, timeAt(x(event))], -1);
    }

    function up(event) {
      if (!grip) return;
      const { moved, fixed, handle } = grip;
      grip = null;
      if (moved) mark([fixed, timeAt(x(event))]);
      else if (handle < 0) mark([fixed]);
    }

    function cancel() {
      grip = null;
    }

    function key(event) {
      const index = handles.indexOf(event.target);
      if (index < 0 || !view || !times.length || event.ctrlKey || event.metaKey || event.altKey) return;
      const ends = shown();
      const now = ends[index];
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
      let next;
      if (by) {
        const later = times.filter((time) => (by > 0 ? time > now : time < now));
        if (by < 0) later.reverse();
        next = later.length ? later[Math.min(Math.abs(by), later.length) - 1] : now;
      } else if (event.key === "Home") next = times[0];
      else if (event.key === "End") next = times[times.length - 1];
      else if (event.key === "Enter" || event.key === " ") next = now;
      else if (event.key === "Escape") {
        event.preventDefault();
        return mark([]);
      } else return;
      event.preventDefault();
      event.stopPropagation();
      // The first key marks a moment where the handles rest; a handle pushes the other along and never crosses it.
      const other = marks.length ? ends[1 - index] : next;
      if (index === 0) mark([next, Math.max(next, other)], 120);
      else mark([Math.min(next, other), next], 120);
    }

    async function draw() {
      const turn = ++drawing;
      marks = [...model.get("selection")];
      title.textContent = model.get("title");
      const [first, last] = model.get("span");
      times = [...new Set(model.get("lines").flatMap((line) => line.times))].filter((time) => time >= first && time <= last);
      times.sort((a, b) => a - b);
      if (!model.get("lines").length) return;
      try {
        const embed = await vegaEmbed();
        // A chart as wide as its box has no width before it is on the page.
        while (turn === drawing && !chart.clientWidth) await new Promise((done) => setTimeout(done, 50));
        if (turn !== drawing) return;
        const options = { mode: "vega-lite", actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
        const made = await embed(chart, specification(model), options);
        if (turn !== drawing) return void made.finalize();
        finish();
        finish = () => made.finalize();
        view = made.view;
        view.addResizeListener(() => setTimeout(place));
        view.addSignalListener("width", () => setTimeout(place));
        place();
        figure.dataset.drawn = "true";
      } catch (error) {
        console.warn("The chart could not be drawn", error);
        told.textContent = "The chart can't be drawn on this page. Type the times into the form instead.";
        figure.dataset.drawn = "false";
      }
    }

    function selected() {
      const now = model.get("selection");
      if (String(now) === String(marks) || grip) return;
      marks = [...now];
      place();
    }

    area.addEventListener("pointerdown", down);
    area.addEventListener("pointermove", move);
    area.addEventListener("pointerup", up);
    area.addEventListener("pointercancel", cancel);
    area.addEventListener("keydown", key);
    const sizes = new ResizeObserver(() => place());
    sizes.observe(box);
    model.on("change:lines", draw);
    model.on("change:selection", selected);
    draw();
    return () => {
      drawing++;
      clearTimeout(telling);
      sizes.disconnect();
      model.off("change:lines", draw);
      model.off("change:selection", selected);
      finish();
    };
  },
};
