// Shows the object that the model will get while the form is being edited. Without this script the saved one is shown.
document.addEventListener("DOMContentLoaded", () => {
  const prefix = "turn_settings-0-";
  const form = document.querySelector(`[name^="${prefix}"]`)?.closest("form");
  // The page also holds the template of an empty form, further down.
  const shown = form?.querySelector(".turn-detection");
  const problems = form?.querySelector(".turn-problems");
  if (!shown) return;
  const url = location.pathname.replace(/agents\/agent\/.*$/, "agents/agent/turn-detection/");
  let asked = 0;
  async function renew() {
    const mine = ++asked;
    const body = new FormData();
    for (const [name, value] of new FormData(form)) if (name.startsWith(prefix)) body.append(name.slice(prefix.length), value);
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
    if (!response || mine !== asked) return;
    if (response.redirected || ![200, 422].includes(response.status)) return;
    const answer = await response.json();
    problems.textContent = Object.entries(answer.problems ?? {}).map(([name, texts]) => `${name}: ${texts.join(" ")}`).join("\n");
    shown.classList.toggle("vp-stale", !answer.turn_detection);
    if (answer.turn_detection) shown.textContent = JSON.stringify(answer.turn_detection, null, 2);
  }
  let timer;
  form.addEventListener("input", (event) => {
    if (!event.target.name?.startsWith(prefix)) return;
    clearTimeout(timer);
    timer = setTimeout(renew, 150);
  });
});
