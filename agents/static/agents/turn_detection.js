// While the form is edited: shows the object that the model will get, tells beside each setting what is wrong with it, and which
// ones have no effect as things stand. Without this script the page shows the saved object, and tells on saving.
document.addEventListener("DOMContentLoaded", () => {
  const prefix = "turn_settings-0-";
  const OF_THE_AGENT = ["language", "voice_provider", "hearing_provider"]; // what the turn settings must fit
  const form = document.querySelector(`[name^="${prefix}"]`)?.closest("form");
  // The page also holds the template of an empty form, further down.
  const shown = form?.querySelector(".turn-detection");
  const problems = form?.querySelector(".turn-problems");
  if (!shown) return;
  const url = location.pathname.replace(/agents\/agent\/.*$/, "agents/agent/turn-detection/");
  const setting = (name) => form.querySelector(`[name="${prefix}${name}"]`);

  function tell(input, texts) {
    const help = document.getElementById(`${input.id}_helptext`);
    let told = help?.querySelector(".vp-problem");
    if (!texts.length) {
      told?.remove();
      input.removeAttribute("aria-invalid");
      return;
    }
    if (!told && help) {
      told = document.createElement("span");
      told.className = "vp-problem";
      help.append(told);
    }
    if (told) told.textContent = texts.join(" ");
    input.setAttribute("aria-invalid", "true");
  }

  function tellAll(found) {
    for (const stale of document.querySelectorAll("#turn_settings-group .errorlist")) stale.remove(); // of the last saving
    for (const input of form.querySelectorAll(`[name^="${prefix}"]`)) tell(input, []);
    for (const { name, texts } of found) if (setting(name)) tell(setting(name), texts);
    problems.textContent = found.map(({ label, texts }) => [label, texts.join(" ")].filter(Boolean).join(": ")).join("\n");
  }

  let asked = 0;
  async function renew() {
    const mine = ++asked;
    const body = new FormData();
    for (const [name, value] of new FormData(form)) if (name.startsWith(prefix)) body.append(name.slice(prefix.length), value);
    for (const name of OF_THE_AGENT) body.append(name, form.querySelector(`[name=${name}]`)?.value ?? "");
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
    if (!response || mine !== asked) return;
    if (response.redirected || ![200, 422].includes(response.status)) return;
    const answer = await response.json();
    tellAll(answer.problems ?? []);
    shown.classList.toggle("vp-stale", !("turn_detection" in answer));
    if ("turn_detection" in answer) shown.textContent = JSON.stringify(answer.turn_detection, null, 2);
  }

  function holds({ other, wanted }) {
    const input = setting(other) ?? form.querySelector(`select[name="${other}"]`); // of the agent itself
    if (!input) return true;
    const value = input.type === "checkbox" ? (input.checked ? "on" : "off") : input.value.trim();
    return wanted ? wanted.includes(value) : value !== "" && Number(value) !== 0;
  }

  function weigh() {
    for (const unit of form.querySelectorAll(".vp-unit")) {
      unit.dataset.unit ??= unit.textContent;
      const ms = unit.dataset.unit === "ms" ? Number(unit.previousElementSibling.value) : 0;
      unit.textContent = ms >= 10000 ? `ms (${ms / 1000} s)` : unit.dataset.unit;
    }
    for (const input of form.querySelectorAll("[data-needs]")) {
      const missing = JSON.parse(input.dataset.needs).find((need) => !holds(need));
      input.closest(".field-row")?.classList.toggle("vp-without-effect", Boolean(missing));
      const said = document.getElementById(`${input.id}_helptext`)?.querySelector(".vp-idle");
      if (said) said.textContent = missing ? `No effect now: ${missing.otherwise}.` : "";
    }
  }

  let timer;
  form.addEventListener("input", (event) => {
    if (!OF_THE_AGENT.includes(event.target.name) && !event.target.name?.startsWith(prefix)) return;
    weigh();
    clearTimeout(timer);
    timer = setTimeout(renew, 150);
  });
  weigh();
});
