// Links to the parts of a long form, beside it. Folded parts open.
document.addEventListener("DOMContentLoaded", () => {
  const list = document.getElementById("tn-parts");
  const headings = [...document.querySelectorAll("#agent_form fieldset h2")].filter((h) => h.textContent.trim() && !h.closest(".empty-form"));
  for (const [number, heading] of headings.entries()) {
    heading.id ||= `part-${number}`;
    const folded = heading.closest("details");
    const link = Object.assign(document.createElement("a"), { className: "tn-plain", href: `#${heading.id}`, textContent: heading.textContent.trim() });
    link.addEventListener("click", () => { if (folded) folded.open = true; });
    const item = document.createElement("li");
    item.append(link);
    list?.append(item);
  }
  document.getElementById("tn-rail")?.removeAttribute("hidden");
});
