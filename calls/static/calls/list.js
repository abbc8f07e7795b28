// The call list by keyboard. Without this file it is a plain page.
import { helpDialog, typing } from "./keys.js";

const toggleHelp = helpDialog();
const rows = [...document.querySelectorAll(".vp-row .vp-link")];

function step(by) {
  const at = rows.indexOf(document.activeElement);
  rows[Math.max(0, Math.min(rows.length - 1, at < 0 && by < 0 ? 0 : at + by))]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (typing(event)) return;
  const keys = {
    "/": () => document.querySelector("[name=q]").focus(),
    j: () => step(1),
    k: () => step(-1),
    "]": () => document.querySelector("a[rel=next]")?.click(),
    "[": () => document.querySelector("a[rel=prev]")?.click(),
    "?": toggleHelp,
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
