// One running call, somebody else's or one's own from this page.
import { Ear, NoMicrophone, Phone } from "./phone.js";
import { Settings } from "./settings.js";
import { clock, connect } from "./socket.js";
import { Strip } from "./strip.js";
import { Transcript } from "./transcript.js";

const EVENTS_SHOWN = 200;
const root = document.getElementById("lv-call");
const may = JSON.parse(document.getElementById("lv-may").textContent);
const part = (id) => document.getElementById(`lv-${id}`);
const transcript = new Transcript(part("said"), part("quiet"));
const strip = new Strip(part("strip"));
const settings = new Settings(part("settings"), part("told"), (message) => link?.send(message), part("keep"));
const saved = document.getElementById("lv-saved"); // of the agent that may be called from here
if (saved) settings.show(JSON.parse(saved.textContent));
const seen = new Set();
const counts = { interruption: 0, interruption_refused: 0 };

let link = null;
let phone = null;
let ear = null;
let running = false;
let review = root.dataset.review;
let callId = root.dataset.id;

// --- what the call tells

function say(state, text = state) {
  if (part("state").textContent !== text) part("state").textContent = text;
  part("state").dataset.state = state;
}

function trouble(text) {
  part("trouble").textContent = text;
  part("trouble").hidden = !text;
}

function runs(on) {
  running = on;
  for (const id of ["listen", "hangup"]) if (part(id)) part(id).disabled = !on;
  for (const input of part("say")?.elements ?? []) input.disabled = !on || !may.steer;
  settings.enable(on && may.tune);
}

function news(message) {
  if (message.age_ms !== undefined) strip.clock(message.age_ms);
  if (message.now && message.now.state !== "ended") {
    if (!running) runs(true);
    say(message.now.state);
  }
  for (const line of message.lines) take(line);
  if (message.speech) speech(message.speech);
  if (message.turn) settings.show(message.turn);
  if (message.sounds) strip.sounds.push(...message.sounds);
}

function speech(now) {
  transcript.now(now, Math.max(0, Math.round(strip.now)));
  if (now.agent.some(({ heard }) => heard)) strip.begin("agent", strip.now);
  else if (!now.agent.length) strip.end("agent", strip.now);
}

function take(line) {
  if (seen.has(line.seq)) return;
  seen.add(line.seq);
  transcript.line(line);
  const { kind, at_ms, data } = line;
  if (kind === "caller_speaking") strip.begin("vad", at_ms);
  else if (kind === "caller_stopped" || kind === "caller_turn" || kind === "turn_refused") strip.end("vad", at_ms);
  else if (kind === "reply_finished") strip.end("agent", at_ms);
  else if (kind === "interruption" && data.phase !== "asked") {
    strip.end("agent", at_ms);
    strip.marks.push({ at: at_ms, kind: "stop", text: String(data.number) });
    counts.interruption++;
  } else if (kind === "interruption_refused") {
    strip.end("vad", at_ms);
    strip.marks.push({ at: at_ms, kind: "went", text: "▸" });
    counts.interruption_refused++;
  } else if (kind === "call_ended") over(data);
  if (line.says) event(line);
  const of = (n, one, many) => `${n} ${n === 1 ? one : many}`;
  const went = counts.interruption_refused ? `; the agent went on over ${of(counts.interruption_refused, "sound", "sounds")}` : "";
  part("counts").textContent = `${of(counts.interruption, "interruption", "interruptions")}${went}`;
}

function event({ kind, at_ms, says }) {
  const item = document.createElement("li");
  item.dataset.kind = kind;
  item.innerHTML = '<span class="vp-time"></span><span></span>';
  item.children[0].textContent = clock(at_ms);
  item.children[1].textContent = says;
  part("events").prepend(item);
  while (part("events").children.length > EVENTS_SHOWN) part("events").lastElementChild.remove();
}

function over({ reason, failed, duration_ms }) {
  runs(false);
  say("ended", `${failed ? "failed" : "ended"}: ${reason}`);
  part("time").textContent = clock(duration_ms);
  strip.offset = null;
  stopListening();
  link?.close();
  if (review && !document.getElementById("lv-review")) {
    const to = Object.assign(document.createElement("a"), { id: "lv-review", className: "vp-link", href: review, textContent: "Review this call" });
    part("state").parentElement.append(" ", to);
  }
}

function follow(path) {
  link = connect(path, {
    told: (message) => {
      if (message.type === "news") news(message);
      else if (message.type === "unknown") trouble("This call is not known.");
      else if (message.type === "refused") {
        if (message.do === "settings") settings.refused(message);
        if (message.do === "listen") stopListening();
        trouble(message.why);
      } else if (message.type === "settings") settings.answered(message);
      else if (message.type === "ordered") ordered(message);
    },
    heard: (buffer) => ear?.heard(buffer),
    linked: (state) => {
      const says = { lost: "The connection to the server was lost. Trying again …", refused: "You may not follow this call." };
      trouble(says[state] ?? "");
      if (state === "open" && ear) link.send({ do: "listen", on: true });
      if (state === "open" && !running) setTimeout(notRunning, 4000);
    },
  });
}

function notRunning() {
  if (running || phone || part("state").dataset.state === "ended") return;
  say("ended", "not running any more");
  if (review) over({ reason: "not running any more", duration_ms: 0 });
}

function ordered({ order, done }) {
  trouble(done ? "" : "The call did not take it.");
  if (order === "say" && done) part("text").value = "";
}

// --- what staff do

const csrf = () => root.querySelector("[name=csrfmiddlewaretoken]").value;

part("say")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = part("text").value.trim();
  if (text) link?.send({ do: "say", text });
});

part("hangup")?.addEventListener("click", () => {
  if (confirm("Hang up this call? The caller hears the line go dead.")) link?.send({ do: "hang_up" });
});

part("keep")?.addEventListener("click", () => settings.keepFor(root.dataset.keep, callId, csrf()));

part("listen")?.addEventListener("click", async () => {
  if (ear) return stopListening();
  ear = new Ear(root.dataset.worklet, meters);
  await ear.open();
  link.send({ do: "listen", on: true });
  part("listen").setAttribute("aria-pressed", "true");
  part("listen").textContent = "Stop listening";
});

function stopListening() {
  if (!ear) return;
  ear.close();
  ear = null;
  link?.send({ do: "listen", on: false });
  part("listen").setAttribute("aria-pressed", "false");
  part("listen").textContent = "Listen in";
  meters({ mic: 0, agent: 0 });
}

function meters({ mic, agent }) {
  // Speech lies between -50 and -10 dB.
  const shown = (level) => Math.max(0, Math.min(1, (20 * Math.log10(level || 1e-5) + 55) / 50));
  part("mic").value = shown(mic);
  part("out").value = shown(agent);
}

// --- one's own call

part("dial")?.addEventListener("click", async () => {
  part("dial").disabled = true;
  trouble("");
  say("", "ringing …");
  phone = new Phone(root.dataset.worklet, { changed: line, level: meters });
  try {
    await phone.pickUp();
    const response = await fetch(root.dataset.start, { method: "POST", headers: { "X-CSRFToken": csrf() }, redirect: "error" });
    if (!response.ok) throw new Error(response.status === 403 ? "You may not call agents. Ask an administrator." : `The server answered ${response.status}.`);
    const call = await response.json();
    fresh(call);
    phone.call(call);
    if (may.see) follow(call.follow);
  } catch (error) {
    phone.hungUp();
    phone = null;
    part("dial").disabled = false;
    say("", "not called");
    trouble(error instanceof NoMicrophone || error.message ? error.message : "The call could not be made.");
  }
});

function fresh(call) {
  review = call.review;
  callId = call.call;
  document.getElementById("lv-review")?.remove();
  seen.clear();
  counts.interruption = counts.interruption_refused = 0;
  transcript.items.clear();
  transcript.words.clear();
  for (const id of ["said", "events"]) part(id).replaceChildren();
}

function line(state, code) {
  const open = state === "open";
  part("dial").hidden = open;
  part("dial").disabled = false;
  for (const id of ["bye", "mute", "keys"]) part(id).hidden = !open;
  if (open) return part("bye").focus();
  meters({ mic: 0, agent: 0 });
  if (!phone) return;
  phone = null;
  part("mute").setAttribute("aria-pressed", "false");
  part("mute").textContent = "Mute";
  part("dial").textContent = "Call again";
  part("dial").focus();
  if (code === 1013 || code === 1008 || code === 1011 || code === 1006) trouble("The line was cut by the server. Its log says why.");
  if (!may.see) say("ended");
}

part("bye")?.addEventListener("click", () => phone?.hangUp());
part("mute")?.addEventListener("click", () => {
  const muted = part("mute").getAttribute("aria-pressed") !== "true";
  phone?.mute(muted);
  part("mute").setAttribute("aria-pressed", String(muted));
  part("mute").textContent = muted ? "Unmute" : "Mute";
});
part("keys")?.addEventListener("click", ({ target }) => target.dataset.key && phone?.key(target.dataset.key));
addEventListener("pagehide", () => phone?.hangUp());

setInterval(() => {
  if (strip.offset === null) return;
  part("time").textContent = clock(strip.now);
  strip.draw();
}, 100);
if (root.dataset.socket) follow(root.dataset.socket);
