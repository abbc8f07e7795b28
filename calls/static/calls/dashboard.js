// The charts of the start page, drawn by the Chart.js that the admin's frame brings along. Without this script the table has the
// same figures. A change of what is shown is sent at once; without it, by the button.
(() => {
  const form = document.querySelector(".db-choose");
  form?.addEventListener("change", () => form.requestSubmit());
  form?.querySelector("button")?.setAttribute("hidden", "");

  const data = document.getElementById("dashboard-charts");
  if (!data || typeof Chart === "undefined") return;
  const found = JSON.parse(data.textContent);
  const labels = found.days.map((day) => new Date(`${day}T12:00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short" }));
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // A day alone between two without figures would have no line: it gets a dot.
  const alone = (values) => values.map((value, i) => (value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? 4 : 2));
  const line = (label, values, name, more = {}) => ({
    type: "line", label, data: values, borderColor: colour(name), backgroundColor: colour(name), borderWidth: 2, pointStyle: "circle", pointRadius: alone(values), pointHoverRadius: 5, ...more,
  });

  function datasets(kind) {
    if (kind === "calls") return [
      line("Interruptions per call", found.per_call, "--stop", { yAxisID: "right", order: 0 }),
      { type: "bar", label: "Calls", data: found.calls, pointStyle: "rectRounded", backgroundColor: `${colour("--agent")}66`, borderRadius: 3, maxBarThickness: 28, order: 1 },
    ];
    if (kind === "false") return [line("False stops, %", found.false_rate, "--stop")];
    return [line("95 % within", found[`${kind}_p95`], "--went", { borderDash: [5, 4] }), line("Median", found[`${kind}_p50`], "--agent")];
  }

  function options(kind) {
    const ticks = { color: colour("--muted") }, grid = { color: colour("--line") };
    const y = { beginAtZero: true, ticks: { ...ticks, precision: 0, maxTicksLimit: 6 }, grid, border: { display: false } };
    const scales = { x: { offset: true, ticks: { ...ticks, maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false } }, y };
    if (kind === "false") y.suggestedMax = 20;
    if (kind === "calls") scales.right = { ...y, position: "right", grid: { display: false }, ticks: { ...ticks, maxTicksLimit: 6 } };
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return {
      maintainAspectRatio: false, animation: still ? false : { duration: 250 }, interaction: { mode: "index", intersect: false }, scales,
      plugins: { legend: { display: kind !== "false", position: "bottom", labels: { color: colour("--text"), usePointStyle: true, boxWidth: 8, boxHeight: 8 } } },
    };
  }

  Chart.defaults.font.family = "Inter, sans-serif";
  let drawn = [];
  function draw() {
    for (const chart of drawn) chart.destroy();
    drawn = [...document.querySelectorAll("canvas[data-chart]")].map((canvas) => {
      const kind = canvas.dataset.chart;
      return new Chart(canvas, { data: { labels, datasets: datasets(kind) }, options: options(kind) });
    });
    document.querySelector(".db").dataset.drawn = "true";
  }
  let dark = document.documentElement.classList.contains("dark");
  new MutationObserver(() => {
    if (dark === document.documentElement.classList.contains("dark")) return;
    dark = !dark;
    draw();
  }).observe(document.documentElement, { attributeFilter: ["class"] });
  draw();
})();
