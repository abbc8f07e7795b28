// Looks again every two seconds while the page is seen: answers that come late, calls that end. Without it: "Check again".
(() => {
  const EVERY_MS = 2000;
  const shown = document.getElementById("tn-calls");
  async function look() {
    if (document.hidden || shown.querySelector("details[open]")) return; // do not take away what is being read
    const response = await fetch(location.pathname, { redirect: "error" }).catch(() => null);
    if (!response?.ok) return;
    const now = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("tn-calls");
    if (!now) return;
    if (now.dataset.waits !== shown.dataset.waits) return location.reload(); // the button below changes with it
    if (now.innerHTML !== shown.innerHTML) shown.innerHTML = now.innerHTML;
  }
  setInterval(look, EVERY_MS);
})();
