// The part of the agent's form that providers declare: shows the sections of those that are chosen, and speaks a
// sentence with what stands in the form. Without this script the sections are those that were chosen when it was saved.
document.addEventListener("DOMContentLoaded", () => {
  const ROLES = ["voice", "second_voice", "hearing"];
  const form = document.getElementById("agent_form");
  const choice = (role) => form?.querySelector(`select[name="${role}_provider"]`);
  if (!choice("voice")) return;

  function show() {
    const chosen = Object.fromEntries(ROLES.map((role) => [role, choice(role)?.value ?? ""]));
    form.querySelector(".vp-second")?.classList.toggle("vp-not-chosen", !chosen.voice);
    if (!chosen.voice) chosen.second_voice = ""; // it has nobody to stand in for
    for (const section of form.querySelectorAll(".vp-provider")) {
      const seen = ROLES.some((role) => section.classList.contains(`vp-${role}-${chosen[role]}`));
      section.classList.toggle("vp-not-chosen", !seen);
    }
    const keys = form.querySelector(".vp-keys");
    for (const input of keys?.querySelectorAll("[name^=key_], [name^=forget_key_]") ?? []) {
      const slug = input.name.replace(/^(forget_)?key_/, "");
      input.closest(".field-row")?.classList.toggle("vp-not-chosen", !Object.values(chosen).includes(slug) || input.type === "hidden");
    }
    keys?.classList.toggle("vp-not-chosen", !keys.querySelector(".field-row:not(.vp-not-chosen)"));
    for (const link of document.querySelectorAll("#tn-parts a")) {
      link.parentElement.hidden = Boolean(document.querySelector(link.hash)?.closest(".vp-not-chosen"));
    }
  }
  for (const role of ROLES) choice(role)?.addEventListener("change", show);
  show();
  addEventListener("load", show); // again when the list of the form's parts is there

  for (const part of form.querySelectorAll(".vp-try")) {
    const [button, told, player] = ["button", ".vp-told", "audio"].map((found) => part.querySelector(found));
    const sentence = part.querySelector("input");
    sentence.removeAttribute("name"); // nothing of the agent: it is not saved, and leaving it is no loss
    button.hidden = false;
    async function speak() {
      const body = new FormData(form);
      body.append("role", part.dataset.role);
      body.append("provider", part.dataset.provider);
      body.append("agent", part.dataset.agent);
      body.append("sentence", sentence.value);
      button.disabled = true;
      told.textContent = "Asking for the sound…";
      told.classList.remove("vp-problem");
      const answer = await fetch(part.dataset.url, { method: "POST", body, redirect: "error" }).catch(() => null);
      button.disabled = false;
      if (!answer?.ok) {
        const plain = answer?.headers.get("Content-Type")?.startsWith("text/plain");
        told.textContent = plain ? await answer.text() : "The server did not answer. Load the page again, and try once more.";
        told.classList.add("vp-problem");
        player.hidden = true; // what it holds is of other values
        return;
      }
      told.textContent = answer.headers.get("X-Told");
      URL.revokeObjectURL(player.src);
      player.src = URL.createObjectURL(await answer.blob());
      player.hidden = false;
      player.play().catch(() => {}); // the browser may want a click on the player first
    }
    button.addEventListener("click", speak);
    sentence.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // which would save the agent
      speak();
    });
  }
});
