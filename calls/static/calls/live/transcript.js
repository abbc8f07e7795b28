// Who said what, as it is said: finished turns from the call's lines, and above that what is being said now.
import { clock } from "./socket.js";

const NAMES = { agent: "Agent", caller: "Caller" };

export class Transcript {
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
    this.items = new Map();
    this.words = new Map();
  }

  line({ kind, at_ms, data }) {
    if (kind === "caller_turn") this.turn("caller", data.item_id, data.started_ms, this.words.get(data.item_id) ?? this.items.get(data.item_id)?.text ?? "");
    else if (kind === "caller_words") {
      this.words.set(data.item_id, data.text);
      const entry = this.items.get(data.item_id);
      if (entry) delete entry.item.dataset.now;
      if (entry) this.fill(entry, data.text, "");
      else if (data.text) this.turn("caller", data.item_id, at_ms, data.text);
    } else if (kind === "caller_words_failed" && this.items.has(data.item_id)) {
      this.fill(this.items.get(data.item_id), "", "", "words not written down");
    } else if (kind === "agent_turn") {
      const entry = this.turn("agent", data.item_id, data.started_ms, data.heard_text, data.unheard_text);
      entry.item.classList.toggle("lv-cut", Boolean(data.interruption));
      delete entry.item.dataset.now;
    }
  }

  // Of what is being said its beginning is not told before its end: about now, when it is new.
  now({ agent, caller }, at_ms) {
    const at = (id) => this.items.get(id)?.at ?? at_ms;
    for (const { item_id, text } of caller) this.turn("caller", item_id, at(item_id), text).item.dataset.now = "";
    for (const { item_id, heard, unheard } of agent) this.turn("agent", item_id, at(item_id), heard, unheard).item.dataset.now = "";
  }

  turn(side, id, at_ms, heard, unheard = "") {
    let entry = this.items.get(id);
    if (!entry) {
      const item = document.createElement("li");
      item.className = `lv-turn lv-${side}`;
      item.innerHTML = '<span class="vp-time"></span><span class="lv-who"></span><span class="lv-text"><span></span> <del></del></span>';
      item.querySelector(".lv-who").textContent = NAMES[side];
      entry = { item, side, at: at_ms };
      this.items.set(id, entry);
      this.place(entry);
      this.empty.hidden = true;
    } else if (entry.at !== at_ms) {
      entry.at = at_ms;
      this.place(entry);
    }
    entry.item.querySelector(".vp-time").textContent = clock(entry.at);
    this.fill(entry, heard, unheard, side === "caller" && !heard ? "…" : "");
    return entry;
  }

  fill(entry, heard, unheard, instead = "") {
    const [said, cut] = entry.item.querySelector(".lv-text").children;
    const text = heard || instead;
    entry.text = heard;
    if (said.textContent !== text) said.textContent = text;
    if (cut.textContent !== unheard) cut.textContent = unheard;
  }

  // In the order in which they began.
  place(entry) {
    const box = this.list.parentElement;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    const later = [...this.items.values()].filter((other) => other !== entry && other.at > entry.at);
    const next = later.sort((a, b) => a.at - b.at)[0];
    this.list.insertBefore(entry.item, next?.item ?? null);
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
}
