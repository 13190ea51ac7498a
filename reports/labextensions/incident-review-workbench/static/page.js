/* Brings a published page to life: draws its charts from the specifications that stand in it. */
(function () {
  "use strict";

  function start() {
    for (const holder of document.querySelectorAll(".wb-chart > .wb-spec")) {
      const chart = holder.parentElement;
      window.incidentWorkbench.draw(chart, JSON.parse(holder.textContent)).then(() => chart.classList.add("wb-chart--drawn"));
    }
    open(location.hash);
    window.addEventListener("hashchange", () => open(location.hash));
  }

  /* A link to a piece of evidence that stands in a folded part opens that part. */
  function open(hash) {
    const target = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
    const folded = target?.closest("details:not([open])");
    if (folded) {
      folded.open = true;
      target.scrollIntoView();
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
