// The call's page: waveform, transcript that plays, events that can be narrowed. Works without the waveform, too.
const sound = document.getElementById("sound");
const script = document.getElementById("review-script");
const data = document.getElementById("player");

function playFrom(seconds) {
  if (!sound) return;
  sound.currentTime = seconds;
  sound.play().catch(() => {});
}

for (const line of document.querySelectorAll("[data-at]")) {
  line.addEventListener("click", () => playFrom(Number(line.dataset.at) / 1000));
}

document.addEventListener("keydown", (event) => {
  if (!sound || event.target.closest("input, select, textarea, button, a, audio, [contenteditable]")) return;
  if (event.key === " ") { event.preventDefault(); sound.paused ? sound.play() : sound.pause(); }
  if (event.key === "ArrowLeft") sound.currentTime = Math.max(0, sound.currentTime - 2);
  if (event.key === "ArrowRight") sound.currentTime += 2;
});

const kind = document.getElementById("kind");
kind?.addEventListener("change", () => {
  for (const row of document.querySelectorAll("tr[data-kind]")) row.hidden = kind.value !== "" && row.dataset.kind !== kind.value;
});

function colour(name) {
  return getComputedStyle(document.querySelector(".vp")).getPropertyValue(name).trim();
}

async function draw() {
  const holder = document.getElementById("waveform");
  if (!holder || !data) return;
  const player = JSON.parse(data.textContent);
  let WaveSurfer, Regions;
  try {
    WaveSurfer = (await import(script.dataset.wavesurfer)).default;
    Regions = (await import(script.dataset.regions)).default;
  } catch {
    holder.textContent = "The waveform is not installed on this server; the player below works without it.";
    return;
  }
  const regions = Regions.create();
  const channel = (name) => ({ waveColor: colour(name), progressColor: colour(name), height: 64, normalize: false });
  const wave = WaveSurfer.create({
    container: holder, media: sound, peaks: player.peaks, duration: player.duration, plugins: [regions],
    splitChannels: [channel("--caller"), channel("--agent")], cursorColor: colour("--text"), cursorWidth: 2, barWidth: 2, barGap: 1,
  });
  wave.on("ready", () => {
    for (const r of player.regions) {
      const own = colour(r.side === "agent" ? "--agent" : "--caller");
      regions.addRegion({ start: r.start, end: r.end, color: own + "22", drag: false, resize: false, channelIdx: r.side === "agent" ? 1 : 0 });
    }
    for (const m of player.marks) {
      regions.addRegion({ start: m.at, color: colour(`--${m.look}`), drag: false, resize: false, content: m.text });
    }
    holder.dataset.ready = "true";
  });
}

draw();
