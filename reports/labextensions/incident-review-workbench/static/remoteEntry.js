/* A prebuilt JupyterLab extension, written by hand: Lab and Voila load this file and ask it for a renderer of our charts.

   It also brings our style sheets, so that sections and forms look the same here as on the published page. They touch
   nothing but elements whose class begins with "wb" and, in forms, ipywidgets inside such an element. */
(function () {
  "use strict";
  const NAME = "incident-review-workbench";
  const MIME = "application/vnd.vegalite.v6+json";
  const here = document.currentScript.src;
  let shared = null;
  let drawing = null;

  for (const name of ["style.css", "forms.css"]) {
    // A live page has them in its head already.
    if ([...document.styleSheets].some((sheet) => sheet.href?.endsWith(`/${name}`) && sheet.href.includes(NAME))) continue;
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(name, here).href;
    document.head.append(link);
  }

  function load() {
    if (window.incidentWorkbench) return Promise.resolve(window.incidentWorkbench);
    drawing ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("draw.js", here).href;
      script.onload = () => resolve(window.incidentWorkbench);
      script.onerror = () => reject(new Error("The file draw.js could not be loaded"));
      document.head.append(script);
    });
    return drawing;
  }

  async function widgets() {
    const versions = shared["@lumino/widgets"];
    const newest = Object.keys(versions).sort().pop();
    return (await versions[newest].get())();
  }

  async function extension() {
    const { Widget } = await widgets();
    await load();

    class Chart extends Widget {
      constructor() {
        super();
        this.addClass("wb-rendered");
      }

      async renderModel(model) {
        this.stop();
        this.node.replaceChildren();
        const spec = model.data[MIME];
        const about = model.metadata[MIME]?.figure;
        const figure = window.incidentWorkbench.figure(spec, about || { alt: spec.description });
        if (!about) figure.classList.add("wb-figure--bare");
        this.node.append(figure);
        this.chart = figure.querySelector(".wb-chart");
        if (this.chart) await window.incidentWorkbench.draw(this.chart, spec);
      }

      stop() {
        this.chart?.wbStop?.();
      }

      dispose() {
        this.stop();
        super.dispose();
      }
    }

    return {
      __esModule: true,
      default: {
        id: `${NAME}:charts`,
        description: "Draws Vega-Lite 6 charts",
        rank: 0,
        dataType: "json",
        rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new Chart() },
      },
    };
  }

  load();
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const made = await extension();
      return () => made;
    },
  };
})();
