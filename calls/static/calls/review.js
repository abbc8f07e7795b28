// The call's page: waveform, transcript that plays, what is told of each moment, labels. Works without the waveform, too.
import { helpDialog, typing } from "./keys.js";
import { drawing } from "./waveform.js";

const $ = (id) => document.getElementById(id);
const sound = $("sound");
const moments = JSON.parse($("moments").textContent);
const toggleHelp = helpDialog();
const form = $("labelling");
const wave = drawing($("review-script").dataset, $("waveform"), $("player"), sound, moments, seek);

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

// --- where we are: the recording's time, or what was chosen last where there is none to hear

let chosen = 0;
const at = () => (sound ? sound.currentTime : chosen);

function seek(seconds, play = false) {
  chosen = Math.max(0, seconds);
  if (sound) {
    sound.currentTime = chosen;
    // Nothing is fetched before it is played, so that the audit log tells who listened; until then the player does not say that it moved.
    if (!sound.readyState) sound.dispatchEvent(new Event("timeupdate"));
    if (play) sound.play().catch(() => {});
  }
  tell();
}

function last(list, now, early = 0.02) {
  return list.filter((one) => one.at <= now + early).at(-1);
}

const told = moments.decisions.filter((one) => one.title);
const CLOSE_S = 4; // a decision is what a moment is about for so long
const EARLY_S = 0.1; // and from the tenth of a second on in which it is said to be

function aboutNow(now) {
  const decision = last(told, now, EARLY_S);
  return decision && now - decision.at < CLOSE_S ? decision : undefined;
}

function tell() {
  const now = at();
  const revision = last(moments.revisions, now);
  const speaking = moments.turns.filter((turn) => turn.start <= now && now < turn.end);
  const sides = new Set(speaking.map((turn) => turn.side));
  const names = { caller: "Caller speaks", agent: "Agent speaks" };
  const decision = aboutNow(now);
  $("now").hidden = false;
  $("now-at").textContent = clock(now);
  $("now-who").textContent = sides.size > 1 ? "Both speak" : names[[...sides][0]] ?? "Nobody speaks";
  const shown = revision?.revision ? `settings revision ${revision.revision}` : "settings revision not known";
  if ($("now-revision").textContent !== shown) {
    $("now-revision").replaceChildren(revision?.link ? Object.assign(document.createElement("a"), { className: "vp-link", href: revision.link, textContent: shown }) : shown);
  }
  $("now-title").textContent = decision ? `${decision.title}. ${decision.sentence}` : "";
  $("now-decided").textContent = decision ? (decision.decided && `Decided by: ${decision.decided}`) : ahead(now);
  $("now-card").hidden = !decision;
  if (decision) $("now-card").href = `#${decision.card}`;
  for (const line of document.querySelectorAll(".vp-transcript li")) {
    line.classList.toggle("vp-playing", Number(line.dataset.from) <= now && now < Number(line.dataset.until));
  }
  choose(now, decision, speaking);
}

// Where nothing was decided: what there is to find, and where.
function ahead(now) {
  if (!told.length) return "Nothing had to be decided in this call.";
  const next = told.find((one) => one.at > now);
  const many = `${told.length} decision${told.length === 1 ? "" : "s"} in this call`;
  return next ? `${many}. The next: ${next.title}, at ${clock(next.at)}.` : `${many}, all of them before this moment.`;
}

// What a label would be about: the decision at this moment, the turn, or the moment itself.
function choose(now, decision, speaking) {
  if (!form || form.contains(document.activeElement) && document.activeElement.name === "target") return;
  form.at_ms.value = Math.round((decision?.target ? decision.at : now) * 1000);
  const options = [
    ...(decision?.target ? [[decision.target, `${decision.title} at ${clock(decision.at)}`]] : []),
    ...speaking.map((turn) => [turn.target, `the ${turn.side}'s turn at ${clock(turn.start)}`]),
    ["", "this moment"],
  ];
  const key = JSON.stringify(options);
  if (form.dataset.options === key) return;
  form.dataset.options = key;
  form.target.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

// --- labels

document.addEventListener("submit", async (event) => {
  const sent = event.target;
  if (!sent.matches("[data-labels]")) return;
  event.preventDefault();
  const body = new FormData(sent, event.submitter);
  const list = $("label-list");
  try {
    const answer = await fetch(sent.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    if (answer.redirected || (!answer.ok && answer.status !== 400)) throw new Error(answer.status);
    list.innerHTML = await answer.text(); // made by our own template, which escapes
    if (answer.ok && sent === form) form.text.value = "";
  } catch {
    list.insertAdjacentHTML("afterbegin", '<p class="vp-error" role="alert">The label could not be kept. Is the server there, and are you signed in?</p>');
  }
  wave.labels(labelled());
  if (sent !== form) $("labels").focus();
});

function labelled() {
  return [...document.querySelectorAll("[data-label]")].map((one) => Number(one.dataset.at) / 1000);
}

// --- by mouse and by key

document.addEventListener("click", (event) => {
  const line = event.target.closest("[data-at]");
  if (line) seek(Number(line.dataset.at) / 1000, true);
  const step = event.target.closest("[data-step]");
  if (step) decide(Number(step.dataset.step));
});

function decide(by) {
  const now = at();
  const next = by > 0 ? told.find((one) => one.at > now + 0.03) : told.filter((one) => one.at < now - 0.03).at(-1);
  if (next) seek(next.at);
}

function line(by) {
  const lines = [...document.querySelectorAll(".vp-transcript .vp-line")];
  const here = lines.indexOf(document.activeElement);
  lines[Math.max(0, Math.min(lines.length - 1, here + by))]?.focus();
}

async function copy() {
  const moment = `#t=${Number(at().toFixed(3))}`; // to the millisecond: a decision must not lie behind it
  const link = `${location.origin}${location.pathname}${moment}`;
  history.replaceState(null, "", moment);
  try {
    await navigator.clipboard.writeText(link);
    $("copied").textContent = "Copied.";
  } catch {
    $("copied").textContent = link; // the browser forbids it where the page came without https
  }
}

function zoom(by) {
  const slider = $("zoom");
  if (!slider) return;
  slider.value = Number(slider.value) + by;
  wave.zoom(Number(slider.value));
}

function verdict(n) {
  form?.querySelectorAll(".vp-verdicts button")[n]?.click();
}

const KEYS = {
  " ": () => sound && (sound.paused ? sound.play() : sound.pause()),
  ArrowLeft: (event) => seek(at() - (event.shiftKey ? 10 : 2)),
  ArrowRight: (event) => seek(at() + (event.shiftKey ? 10 : 2)),
  n: () => decide(1),
  p: () => decide(-1),
  j: () => line(1),
  k: () => line(-1),
  l: () => form?.text.focus(),
  c: copy,
  "+": () => zoom(20),
  "=": () => zoom(20),
  "-": () => zoom(-20),
  "]": () => document.querySelector("a[rel=next]")?.click(),
  "[": () => document.querySelector("a[rel=prev]")?.click(),
  u: () => document.querySelector(".vp-head .vp-plain").click(),
  "?": toggleHelp,
  ...Object.fromEntries([0, 1, 2, 3].map((n) => [String(n + 1), () => verdict(n)])),
};

document.addEventListener("keydown", (event) => {
  const isOnControl = event.target.closest("button, a, audio, summary");
  if (typing(event) || !KEYS[event.key] || (event.key === " " && isOnControl) || (event.key.startsWith("Arrow") && event.target.closest("audio"))) return;
  event.preventDefault();
  KEYS[event.key](event);
});

// The browser's own player knows no length before it has sound. Until then a button stands in its place.
const play = $("play");
if (sound && play && !sound.readyState) {
  const swap = (to) => {
    const focused = document.activeElement === play;
    sound.hidden = !to;
    play.hidden = to;
    if (to && focused) sound.focus();
  };
  swap(false);
  play.addEventListener("click", () => sound.play().catch(() => {}));
  for (const name of ["loadedmetadata", "error"]) sound.addEventListener(name, () => swap(true), { once: true });
}

$("copy")?.addEventListener("click", copy);
$("zoom")?.addEventListener("input", (event) => wave.zoom(Number(event.target.value)));
$("speed")?.addEventListener("change", (event) => { sound.playbackRate = Number(event.target.value); });
for (const name of ["timeupdate", "seeking"]) sound?.addEventListener(name, tell);

const kind = $("kind");
kind?.addEventListener("change", () => {
  for (const row of document.querySelectorAll("tr[data-kind]")) row.hidden = kind.value !== "" && row.dataset.kind !== kind.value;
});

// --- a permanent link to a moment: #t=12.3, or ?t=12.3

function linked() {
  const found = /[#?&]t=(\d+(?:\.\d+)?)/.exec(location.hash) ?? /[?&]t=(\d+(?:\.\d+)?)/.exec(location.search);
  if (found) seek(Number(found[1]));
  else tell();
}
window.addEventListener("hashchange", () => { if (location.hash.startsWith("#t=")) linked(); });
linked();
wave.ready.then(() => wave.labels(labelled()));
