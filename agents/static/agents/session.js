// The whole object of the model's session, as the form stands; asked for when somebody opens it, and again when the form changes.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("agent_form");
  const opened = document.getElementById("tn-session");
  if (!form || !opened) return;
  const shown = opened.querySelector("pre");
  let asked = 0, later;
  async function renew() {
    if (!opened.open) return;
    const mine = ++asked;
    const body = new FormData(form);
    for (const secret of form.querySelectorAll("input[type=password]")) body.delete(secret.name);
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await fetch(opened.dataset.url, { method: "POST", body, headers: { "X-CSRFToken": token }, redirect: "error" }).catch(() => null);
    if (!response || mine !== asked) return;
    shown.classList.toggle("vp-stale", !response.ok);
    if (response.ok) shown.textContent = JSON.stringify((await response.json()).session, null, 2);
    else if (!shown.textContent) shown.textContent = "Not while a setting is wrong: the form says which.";
  }
  opened.addEventListener("toggle", renew);
  form.addEventListener("input", () => { clearTimeout(later); later = setTimeout(renew, 250); });
});
