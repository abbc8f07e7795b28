// The board: a row for each running call, as the calls' processes tell.
import { clock, connect } from "./socket.js";

const SILENT_MS = 15000; // a process says that it is there every five seconds
const DOUBTED_MS = 3000; // a call may have ended between the page and its socket
const root = document.getElementById("lv-board");
const list = document.getElementById("lv-calls");
const rows = new Map();

function row(id) {
  let entry = rows.get(id);
  if (!entry) {
    let item = list.querySelector(`[data-id="${id}"]`);
    if (!item) {
      item = document.getElementById("lv-row").content.firstElementChild.cloneNode(true);
      item.dataset.id = id;
      item.querySelector("a").href = `${root.dataset.call}${id}/`;
      list.append(item);
    }
    entry = { item, began: 0, seen: performance.now() };
    rows.set(id, entry);
  }
  return entry;
}

function set(item, name, text) {
  const part = item.querySelector(name);
  if (part.textContent !== text) part.textContent = text;
  return part;
}

function show(told) {
  const entry = row(told.id);
  const { item } = entry;
  entry.began = performance.now() - told.age_ms;
  entry.seen = performance.now();
  entry.told = true;
  set(item, ".lv-caller", told.caller || "unknown caller");
  set(item, ".lv-agent", told.agent || "–");
  set(item, ".lv-state", told.state).dataset.state = told.state;
  set(item, ".lv-stops", told.interruptions ? `${told.interruptions} interruption${told.interruptions === 1 ? "" : "s"}` : "");
  const words = told.words?.text ?? "";
  const who = told.words?.side === "agent" ? "Agent" : "Caller";
  set(item, ".lv-words", words ? `${who}: ${words.length > 160 ? `…${words.slice(-160)}` : words}` : "nothing said yet");
}

function drop(id) {
  const entry = rows.get(id);
  const item = entry?.item ?? list.querySelector(`[data-id="${id}"]`);
  const hadFocus = item?.contains(document.activeElement);
  item?.remove();
  rows.delete(id);
  if (hadFocus) (list.querySelector("a") ?? document.getElementById("lv-sum")).focus();
}

function count() {
  const calls = list.children.length;
  const text = `${calls} call${calls === 1 ? "" : "s"} running`;
  const sum = document.getElementById("lv-sum");
  if (sum.textContent !== text) sum.textContent = text;
  document.getElementById("lv-none").hidden = calls > 0;
}

function tick() {
  const now = performance.now();
  for (const [id, { item, began, seen }] of rows) {
    if (began) set(item, ".lv-time", clock(now - began));
    if (now - seen > 4 * SILENT_MS) drop(id);
    else if (now - seen > SILENT_MS) set(item, ".lv-state", "no answer from its process").dataset.state = "lost";
  }
  count();
}

for (const item of list.children) row(item.dataset.id);
const link = connect(root.dataset.socket, {
  told: (message) => {
    if (message.type !== "rows") return;
    message.rows.forEach(show);
    message.gone.forEach(drop);
    tick();
  },
  linked: (state) => {
    const says = { open: "live", lost: "connection lost, trying again …", refused: "you may not see calls any more" };
    const link = document.getElementById("lv-link");
    link.textContent = says[state];
    link.dataset.state = state;
    if (state === "open") for (const entry of rows.values()) entry.seen = performance.now();
  },
});
setInterval(tick, 500);
setInterval(() => {
  const since = performance.now() - DOUBTED_MS;
  const over = [...rows].filter(([, { told, seen }]) => !told || seen < since - SILENT_MS).map(([id]) => id);
  if (over.length) link.send({ over });
}, DOUBTED_MS);
