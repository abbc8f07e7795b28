// What was changed and is not saved: told beside the form and beside the buttons, one by one with a way back, and before the page
// is left. Comparing with what the page came with, so that what was changed back is no change.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("agent_form");
  const list = document.getElementById("tn-pending");
  if (!form || !list) return;
  const LONG = 40;
  const controls = [...form.elements].filter((c) => c.name && !["hidden", "submit", "button", "file"].includes(c.type) && !c.name.includes("__prefix__"));
  const isBox = (c) => c.type === "checkbox";
  const options = (c) => [...c.options].filter((o) => o.defaultSelected).map((o) => o.value).join() || c.options[0]?.value;
  const before = new Map(controls.map((c) => [c, isBox(c) ? c.defaultChecked : c.options ? options(c) : c.defaultValue]));
  const now = (c) => (isBox(c) ? c.checked : c.value);
  const same = (c) => (c.type === "number" && c.value !== "" && before.get(c) !== "" ? Number(c.value) === Number(before.get(c)) : now(c) === before.get(c));
  const isSecret = (c) => c.type === "password";

  function shown(c, value) {
    if (isBox(c)) return value ? "on" : "off";
    if (isSecret(c)) return "";
    if (c.options) return ([...c.options].find((o) => o.value === value)?.textContent ?? value).split(/ \(|: /)[0];
    if (value === "") return "empty";
    const unit = c.parentElement.querySelector(".vp-unit")?.dataset.unit ?? "";
    return value.length > LONG ? "" : `${value} ${unit}`.trim();
  }

  function label(c) {
    const own = document.querySelector(`label[for="${c.id}"]`);
    return (own?.textContent ?? c.name).trim().replace(/\*$/, "").replace(/^\d\. /, "");
  }

  function back(c) {
    if (isBox(c)) c.checked = before.get(c);
    else c.value = before.get(c);
    for (const kind of ["input", "change"]) c.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  function row(c) {
    const item = document.createElement("li");
    const [old, fresh] = [shown(c, before.get(c)), shown(c, now(c))];
    const link = Object.assign(document.createElement("a"), { className: "tn-plain", href: `#${c.id}`, textContent: label(c) });
    link.addEventListener("click", () => { const folded = c.closest("details"); if (folded) folded.open = true; setTimeout(() => c.focus()); });
    item.append(link, " ");
    if (old || fresh) {
      item.append(Object.assign(document.createElement("del"), { textContent: old || "…" }), " → ", Object.assign(document.createElement("ins"), { textContent: fresh || "…" }), " ");
    }
    const button = Object.assign(document.createElement("button"), { type: "button", className: "tn-back-one", textContent: "take back" });
    button.setAttribute("aria-label", `Take back the change of ${label(c)}`);
    button.addEventListener("click", () => { back(c); document.getElementById("tn-pending-title").focus(); });
    item.append(button);
    return item;
  }

  const summary = document.createElement("a");
  summary.className = "tn-unsaved";
  summary.href = "#tn-rail";
  summary.hidden = true;
  const buttons = document.querySelector("#submit-row .container"); // of the frame: “Delete” is in its last part
  buttons?.insertBefore(summary, buttons.querySelector(":scope > .mr-auto")); // so that no button moves when it appears
  const atHand = savedAtHand(form);
  if (buttons?.querySelector("button")) document.body.append(atHand.bar);
  const all = document.getElementById("tn-pending-all");
  all?.addEventListener("click", () => { changed().forEach(back); document.getElementById("tn-pending-title").focus(); });

  const changed = () => controls.filter((c) => !same(c));
  let sent = false;
  function tell() {
    const found = changed();
    for (const c of controls) c.closest(".field-row, .form-row")?.classList.toggle("vp-changed", found.includes(c));
    list.replaceChildren(...found.map(row));
    document.getElementById("tn-pending-none").hidden = found.length > 0;
    if (all) all.hidden = found.length < 2;
    const text = `${found.length} unsaved change${found.length === 1 ? "" : "s"}`;
    document.getElementById("tn-pending-title").textContent = found.length ? text : "Unsaved changes";
    summary.textContent = atHand.told.textContent = text;
    summary.hidden = atHand.bar.hidden = !found.length;
  }
  let later;
  for (const kind of ["input", "change"]) form.addEventListener(kind, () => { clearTimeout(later); later = setTimeout(tell, 60); });
  form.addEventListener("submit", () => { sent = true; });
  addEventListener("beforeunload", (event) => { if (!sent && changed().length) event.preventDefault(); });
  tell();
});

// On narrow screens the buttons are far below the sliders: what is shown there as soon as something is changed.
function savedAtHand(form) {
  const bar = Object.assign(document.createElement("div"), { className: "tn-bar", hidden: true });
  const told = Object.assign(document.createElement("a"), { className: "tn-plain", href: "#tn-rail" });
  const save = Object.assign(document.createElement("button"), { type: "submit", name: "_continue", className: "tn-button", textContent: "Save" });
  save.setAttribute("form", form.id);
  bar.append(told, save);
  return { bar, told };
}
