// The sliders of a running call: what is in force, a change of it, and keeping what was tried for the agent.

const WAIT_MS = 250; // after the last movement

export class Settings {
  constructor(form, told, send, keep) {
    this.form = form;
    this.told = told;
    this.send = send;
    this.changed = {};
    this.sent = {}; // by number of the change
    this.number = 0;
    this.tried = {}; // and in force
    this.keep = keep;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", ({ target }) => this.moved(target));
  }

  shown(input) {
    const output = input.parentElement.querySelector("output");
    if (output) output.textContent = `${Number(input.value)}${input.dataset.unit ? ` ${input.dataset.unit}` : ""}`;
  }

  value(input) {
    if (input.type === "checkbox") return input.checked;
    return input.type === "range" ? Number(input.value) : input.value;
  }

  // What is in force, except where somebody is just moving something.
  show(turn) {
    for (const input of this.form.elements) {
      if (!(input.name in turn) || input.name in this.changed) continue;
      if (input.type === "checkbox") input.checked = turn[input.name];
      else input.value = turn[input.name];
      this.shown(input);
    }
  }

  enable(on) {
    for (const input of this.form.elements) input.disabled = !on;
  }

  moved(input) {
    this.shown(input);
    this.changed[input.name] = this.value(input);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.told.textContent = "Sending …";
      this.number++;
      this.sent[this.number] = this.changed;
      this.send({ do: "settings", values: this.changed, change: this.number });
      this.changed = {};
    }, WAIT_MS);
  }

  answered({ state, differences, code, change, turn }) {
    const values = this.sent[change] ?? {};
    delete this.sent[change];
    const but = differences?.length ? `, but the model did not take: ${differences.join(", ")}` : "";
    if (state === "applied") Object.assign(this.tried, values);
    else this.show(turn ?? {});
    this.offerToKeep();
    this.told.textContent = state === "applied" ? `In force${but}.` : `The model refused it (${code || "no reason given"}); the call goes on as it was.`;
  }

  // It did not even come to the call: the sliders go back to what is in force.
  refused({ change, turn }) {
    delete this.sent[change];
    this.told.textContent = "";
    this.show(turn ?? {});
  }

  offerToKeep() {
    if (this.keep) this.keep.hidden = !Object.keys(this.tried).length;
  }

  // Of another call: what was tried in the last one was tried, and may still be kept.
  async keepFor(address, call, token) {
    this.keep.disabled = true;
    try {
      const body = JSON.stringify({ values: this.tried, call });
      const response = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token, "Content-Type": "application/json" }, redirect: "error" });
      const { says } = response.status === 403 ? { says: "You may not change this agent. Ask an administrator." } : await response.json();
      this.told.textContent = says;
      if (!response.ok) return;
      this.tried = {};
      this.offerToKeep();
    } catch {
      this.told.textContent = "Nothing was saved: the server cannot be reached. Try again.";
    } finally {
      this.keep.disabled = false;
    }
  }
}
