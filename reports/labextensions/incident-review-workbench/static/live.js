/* Says when a live page's kernel has ended. Voila's front end shows nothing then, and takes choices that lead nowhere. */
"use strict";
(() => {
  const EVERY = 10_000;
  const config = document.getElementById("jupyter-config-data");
  const { kernelId, baseUrl } = JSON.parse(config?.textContent || "{}");
  if (!kernelId) return;
  let shown = null;

  function say(fact, advice, reload) {
    if (shown?.dataset.fact === fact) return;
    shown?.remove();
    shown = document.createElement("div");
    shown.className = "wb-callout wb-callout--unproven";
    shown.dataset.fact = fact;
    shown.setAttribute("role", "alert");
    Object.assign(shown.style, { position: "sticky", top: "0", zIndex: "10", margin: "0 0 16px" });
    const icon = document.createElement("span");
    icon.className = "wb-icon wb-icon--warning";
    icon.setAttribute("aria-hidden", "true");
    const words = document.createElement("p");
    const strong = document.createElement("strong");
    strong.textContent = fact;
    words.append(strong, ` ${advice} `);
    if (reload) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = "Reload it";
      words.append(link);
    }
    shown.append(icon, words);
    document.querySelector("main")?.prepend(shown);
  }

  async function look() {
    let status = 0;
    try {
      status = (await fetch(`${baseUrl}api/kernels/${kernelId}`, { cache: "no-store" })).status;
    } catch {
      /* the server doesn't answer: status stays 0 */
    }
    if (status === 404) {
      say("This page has gone to sleep.", "What you choose or type here no longer reaches the server.", true);
      return;
    }
    if (status === 0) {
      say("The server does not answer.", "What you see may be old; the page goes on by itself when it is back.", false);
    } else {
      shown?.remove();
      shown = null;
    }
    setTimeout(look, EVERY);
  }

  setTimeout(look, EVERY);
})();
