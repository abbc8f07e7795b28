// The waveform of a call and everything that is marked on it. Colours follow the page's light and dark.

export function drawing(sources, holder, data, sound, moments, seek) {
  const made = { ready: Promise.resolve(), zoom() {}, labels() {} };
  if (holder && data && sound) made.ready = draw(made, sources, holder, JSON.parse(data.textContent), sound, moments, seek);
  return made;
}

const TRACK = 64; // px of each side; the seconds stand below both

function colour(name) {
  return getComputedStyle(document.querySelector(".vp")).getPropertyValue(name).trim();
}

async function draw(made, sources, holder, player, sound, moments, seek) {
  let WaveSurfer, Regions, Timeline;
  try {
    [WaveSurfer, Regions, Timeline] = (await Promise.all([import(sources.wavesurfer), import(sources.regions), import(sources.timeline)])).map((one) => one.default);
  } catch {
    holder.textContent = "The waveform is not installed on this server; the player below works without it.";
    return;
  }
  const regions = Regions.create();
  const timeline = Timeline.create({ height: 16, secondaryLabelOpacity: 1, style: { color: colour("--muted"), fontSize: "11px" } });
  const channel = (name) => ({ waveColor: colour(name), progressColor: colour(name), height: TRACK, normalize: false });
  const wave = WaveSurfer.create({
    container: holder, media: sound, peaks: player.peaks, duration: player.duration, plugins: [regions, timeline], dragToSeek: true,
    splitChannels: [channel("--caller"), channel("--agent")], cursorColor: colour("--text"), cursorWidth: 2, barWidth: 2, barGap: 1,
  });
  const still = { drag: false, resize: false };
  // Marks end where the seconds begin.
  regions.on("region-created", ({ element, channelIdx }) => {
    element.style.top = channelIdx === 1 ? `${TRACK}px` : "0";
    element.style.height = `${channelIdx === undefined || channelIdx < 0 ? 2 * TRACK : TRACK}px`;
  });
  let stars = [];
  const settled = new Promise((resolve) => wave.on("ready", () => { marks(regions, still, moments, player.duration); holder.dataset.ready = "true"; resolve(); }));
  wave.on("interaction", (seconds) => seek(seconds));
  made.zoom = (pixels) => wave.zoom(pixels);
  made.labels = (times) => {
    for (const star of stars) star.remove();
    stars = times.map((start) => regions.addRegion({ ...still, start, color: colour("--label"), content: mark("★", "--label", "bottom") }));
  };
  await settled;
}

// What stands at a line on the waveform. `place` keeps kinds apart that fall on the same moment.
function mark(text, name, place = "top") {
  const shown = document.createElement("span");
  shown.textContent = text;
  shown.style.cssText = `position:absolute;${place === "bottom" ? "bottom:0" : place === "middle" ? "top:44%" : "top:0"};left:2px;padding:0 3px;font-size:11px;font-weight:600;white-space:nowrap;border-radius:3px;color:${colour(name)};background:${colour("--card")}`;
  return shown;
}

function marks(regions, still, moments, duration) {
  for (const turn of moments.turns) {
    regions.addRegion({ ...still, start: turn.start, end: turn.end, color: colour(turn.side === "agent" ? "--agent" : "--caller") + "22", channelIdx: turn.side === "agent" ? 1 : 0 });
  }
  for (const delay of moments.delays) {
    const region = regions.addRegion({ ...still, start: delay.start, end: delay.end, color: "transparent" });
    const line = colour("--muted");
    region.element.style.backgroundImage = `repeating-linear-gradient(45deg, ${line}55 0 2px, transparent 2px 6px)`;
    region.element.title = `Response delay: ${delay.ms} ms`;
  }
  for (const one of moments.decisions.filter((decision) => decision.text)) {
    regions.addRegion({ ...still, start: one.at, color: colour(`--${one.look}`), content: mark(one.text, `--${one.look}`) }).element.title = `${one.title}. ${one.sentence}`;
  }
  for (const key of moments.keys) regions.addRegion({ ...still, start: key.at, color: colour("--caller"), content: mark(key.digit, "--caller", "middle") });
  moments.revisions.forEach((one, n) => {
    const end = moments.revisions[n + 1]?.at ?? duration;
    if (!one.revision || end <= one.at) return;
    const region = regions.addRegion({ ...still, start: one.at, end: Math.min(end, duration), color: "transparent", content: mark(`rev. ${one.revision}`, "--muted", "bottom") });
    region.element.style.borderLeft = n ? `2px dashed ${colour("--text")}` : "0";
    region.element.title = `Settings revision ${one.revision}`;
    region.element.style.pointerEvents = "none";
  });
}
