// What the pages with keyboard shortcuts share.

// Whether a key belongs to something else: a field, the browser, an open dialog. A dialog that was just closed may still have the focus.
export function typing(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  return Boolean(event.target.closest("input, select, textarea, [contenteditable], dialog[open]"));
}

// The dialog that tells the shortcuts, and the buttons that open it.
export function helpDialog() {
  const dialog = document.getElementById("help");
  const toggle = () => (dialog.open ? dialog.close() : dialog.showModal());
  for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", toggle);
  dialog?.addEventListener("keydown", (event) => {
    if (event.key !== "?") return;
    event.stopPropagation(); // the page's own keys would open it again
    dialog.close();
  });
  dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  return toggle;
}
