// A slider beside each number that has a range. The number is what is sent; the slider is another way to set it. Long ranges are
// finer at their lower end, where they matter: half of the way is a quarter of the range. A notch stands at the default.
document.addEventListener("DOMContentLoaded", () => {
  const STEPS = 1000, FINE_FROM = 10, PAGE = 5;

  for (const number of document.querySelectorAll("#agent_form .vp-number input[min][max]")) {
    if (!number.required && number.defaultValue === "") continue; // empty means never, which no slider says
    if (number.name.includes("__prefix__")) continue;
    const [low, high, step] = [number.min, number.max, number.step].map(Number);
    const curve = high - low >= 10000 * 2 ? 3 : high - low > FINE_FROM ? 2 : 1;
    const place = (value) => Math.round(STEPS * ((Math.min(Math.max(value, low), high) - low) / (high - low)) ** (1 / curve));
    const valueAt = (at) => {
      const raw = low + (high - low) * (at / STEPS) ** curve;
      return Math.min(high, Math.max(low, Number((Math.round(raw / step) * step).toFixed(4))));
    };
    const label = document.querySelector(`label[for="${number.id}"]`)?.textContent.trim() ?? number.name;
    const unit = number.parentElement.querySelector(".vp-unit")?.textContent.trim() ?? "";

    const range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: STEPS, className: "sl-range", disabled: number.disabled });
    range.setAttribute("aria-label", `${label}, slider`);
    const holder = document.createElement("span");
    holder.className = "sl-holder";
    holder.append(range);
    const usual = Number(number.dataset.default);
    if (number.dataset.default) {
      const notch = document.createElement("span");
      notch.className = "sl-default";
      notch.setAttribute("aria-hidden", "true");
      notch.title = `Default: ${usual} ${unit}`.trim();
      notch.style.setProperty("--at", place(usual) / STEPS);
      holder.append(notch);
    }

    function follow() {
      const value = Number(number.value);
      range.value = place(value);
      range.style.setProperty("--at", range.value / STEPS);
      range.setAttribute("aria-valuetext", `${number.value} ${unit}`.trim());
    }
    function set(value) {
      if (Number(number.value) === value) return;
      number.value = value;
      number.dispatchEvent(new Event("input", { bubbles: true }));
    }
    range.addEventListener("input", (event) => { event.stopPropagation(); set(valueAt(Number(range.value))); follow(); });
    range.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: PAGE, PageDown: -PAGE }[event.key];
      const to = { Home: low, End: high }[event.key] ?? (by && Math.min(high, Math.max(low, Number((Number(number.value) + by * step).toFixed(4)))));
      if (to === undefined) return;
      event.preventDefault(); // a step of the slider is another length at each place: keys move by the setting's own
      set(to);
    });
    number.addEventListener("input", follow);
    number.before(holder);
    follow();
  }
});
