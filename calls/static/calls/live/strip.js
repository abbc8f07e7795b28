// The last 30 seconds as a picture: how sure our ear is of speech, the model's VAD, the agent's speech, and what was decided.

const SPAN_MS = 30000;
const ROWS = { ear: 0.5, vad: 0.66, agent: 0.86 }; // bottoms, as parts of the height

export class Strip {
  constructor(canvas) {
    this.canvas = canvas;
    this.sounds = []; // [at_ms, probability]
    this.spans = []; // {row, from, to}
    this.marks = []; // {at, kind, text}
    this.offset = null; // of the call's clock to the page's
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  clock(age_ms) {
    this.offset = performance.now() - age_ms;
  }

  get now() {
    return this.offset === null ? 0 : performance.now() - this.offset;
  }

  begin(row, at) {
    if (!this.spans.some((span) => span.row === row && span.to === null)) this.spans.push({ row, from: at, to: null });
  }

  end(row, at) {
    for (const span of this.spans) if (span.row === row && span.to === null) span.to = at;
  }

  draw() {
    const { canvas, now } = this;
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const paint = canvas.getContext("2d");
    paint.scale(scale, scale);
    const colour = (name) => getComputedStyle(canvas).getPropertyValue(name);
    const x = (at) => width - ((now - at) / SPAN_MS) * width;
    const since = now - SPAN_MS;
    this.sounds = this.sounds.filter(([at]) => at > since);
    this.spans = this.spans.filter(({ to }) => to === null || to > since);
    this.marks = this.marks.filter(({ at }) => at > since);
    paint.fillStyle = colour("--line");
    for (const bottom of Object.values(ROWS)) paint.fillRect(0, height * bottom, width, 1);
    paint.fillStyle = colour("--caller");
    const bar = (width * 32) / SPAN_MS;
    for (const [at, probability] of this.sounds) {
      const tall = probability * height * 0.44;
      paint.fillRect(x(at), height * ROWS.ear - tall, bar + 0.5, tall);
    }
    for (const { row, from, to } of this.spans) {
      paint.fillStyle = colour(row === "vad" ? "--caller" : "--agent");
      const begin = x(Math.max(from, since));
      paint.fillRect(begin, height * ROWS[row] - height * 0.1, Math.max(2, x(to ?? now) - begin), height * 0.1);
    }
    paint.font = "600 11px system-ui, sans-serif";
    for (const { at, kind, text } of this.marks) {
      paint.fillStyle = paint.strokeStyle = colour(kind === "stop" ? "--stop" : "--went");
      paint.setLineDash(kind === "stop" ? [] : [3, 3]);
      paint.beginPath();
      paint.moveTo(x(at), 0);
      paint.lineTo(x(at), height * 0.88);
      paint.stroke();
      paint.fillText(text, Math.min(x(at) + 3, width - 14), height - 1);
    }
  }
}
