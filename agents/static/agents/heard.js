// What a caller would notice with the settings as the form stands: three moments of a call, drawn to scale and told in words.
// The same rules as calls/conversation/barge_in.py, for speech that is clear and loud; what the model needs to think is not known.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("agent_form");
  const holder = document.getElementById("tn-heard");
  if (!form || !holder) return;
  const setting = (name) => form.querySelector(`[name="turn_settings-0-${name}"]`);
  // Who may not change them has no fields: what is saved stands beside.
  const saved = JSON.parse(document.getElementById("tn-saved")?.textContent ?? "{}");
  const value = (name) => setting(name)?.value ?? saved[name];
  const number = (name) => Number(value(name) || 0);
  const is = (name, wanted) => value(name) === wanted;
  const on = (name) => Boolean(setting(name)?.checked ?? saved[name]);
  const SPAN_MS = 4000, WORD_MS = 300, SENTENCE_MS = 1900, FROM_MS = 800;
  const GATES = ["min_speech_ms", "speech_probability", "min_loudness_db", "echo_guard", "laughter_guard", "grace_ms"];

  function over(speech) {
    // When the agent's sound stops after speech of this length began, and when it goes on; ms, null: never.
    const legacy = !is("mode", "full");
    if (legacy || on("interrupt_response")) return { stops: legacy ? null : 0, resumes: null, legacy };
    if (!GATES.some((name) => number(name)) && !on("ignore_backchannels") && !on("protect_greeting")) return { stops: 0, resumes: null };
    const decided = Math.min(number("min_speech_ms") || number("decide_by_ms"), number("decide_by_ms"));
    const holds = is("stop_sound", "at_once");
    if (speech >= decided) return { stops: holds ? 0 : decided, resumes: null };
    return holds ? { stops: 0, resumes: speech + number("resume_after_ms") } : { stops: null, resumes: null };
  }

  function word() {
    const { stops, resumes, legacy } = over(WORD_MS);
    const text = legacy ? "The agent talks on for what the carrier holds, and says nothing more of it."
      : stops === null ? "The agent talks on."
      : resumes === null ? "The agent stops, for good."
      : `The agent falls silent, and goes on ${number("resume_after_ms")} ms after it.`;
    const agent = legacy || stops === null ? [[0, SPAN_MS]] : resumes === null ? [[0, FROM_MS]] : [[0, FROM_MS], [FROM_MS + resumes, SPAN_MS]];
    return { title: `A word of ${WORD_MS} ms over the agent`, text, caller: [[FROM_MS, FROM_MS + WORD_MS]], agent };
  }

  function sentence() {
    const { stops, legacy } = over(SENTENCE_MS);
    const text = legacy ? "The agent talks on for what the carrier holds, often many seconds."
      : stops === null ? "The agent talks on: so long a sentence is no interruption yet."
      : stops === 0 ? "The agent falls silent at once."
      : `The agent falls silent after ${stops} ms of clear speech.`;
    return { title: "A sentence over the agent", text, caller: [[FROM_MS, FROM_MS + SENTENCE_MS]], agent: [[0, stops === null ? SPAN_MS : FROM_MS + stops]] };
  }

  function answer() {
    const end = FROM_MS;
    if (!is("vad_type", "server_vad")) {
      const most = { low: 8, medium: 4, high: 2, auto: 4 }[value("eagerness")] ?? 4;
      const extra = on("create_response") ? 0 : number("response_delay_ms");
      return { title: "The answer", text: `Soon after what sounds complete, ${most} s at the latest${extra ? `, and ${extra} ms more` : ""}; then the model thinks.`, caller: [[0, end]], agent: [[end + 400 + extra, SPAN_MS]] };
    }
    const silence = Math.max(number("silence_floor_ms"), number("response_latency_ms"));
    const waits = silence + (on("create_response") ? 0 : number("response_delay_ms"));
    return { title: "The answer", text: `Asked for ${waits} ms after the caller’s last word; then the model thinks.`, caller: [[0, end]], agent: [[Math.min(end + waits, SPAN_MS), SPAN_MS]], thinking: true };
  }

  function lane(name, spans) {
    const track = document.createElement("span");
    track.className = `hd-lane hd-${name}`;
    for (const [from, to] of spans) {
      const bar = document.createElement("i");
      bar.style.left = `${(100 * from) / SPAN_MS}%`;
      bar.style.width = `${(100 * Math.max(0, Math.min(to, SPAN_MS) - from)) / SPAN_MS}%`;
      track.append(bar);
    }
    return track;
  }

  function draw() {
    holder.replaceChildren(...[word(), sentence(), answer()].map(({ title, text, caller, agent }) => {
      const part = document.createElement("div");
      const picture = document.createElement("div");
      picture.className = "hd-picture";
      picture.setAttribute("aria-hidden", "true");
      picture.append(lane("caller", caller), lane("agent", agent));
      part.append(Object.assign(document.createElement("h3"), { textContent: title }), picture, Object.assign(document.createElement("p"), { textContent: text }));
      return part;
    }));
  }
  let later;
  for (const kind of ["input", "change"]) form.addEventListener(kind, () => { clearTimeout(later); later = setTimeout(draw, 30); });
  draw();
});
