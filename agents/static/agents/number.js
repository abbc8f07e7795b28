// Copies what a button names, and says so. Without the clipboard (plain http on another machine) it selects the text.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copies);
  const said = button.parentElement.querySelector("[role=status]");
  try {
    await navigator.clipboard.writeText(text.textContent);
    said.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(text);
    said.textContent = "Selected: copy it with Ctrl+C.";
  }
});
