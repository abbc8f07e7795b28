// mu-law (G.711) and resampling between a device's rate and the telephone's 8 kHz. Pure: no device, no page.

export const RATE = 8000;

const BIAS = 0x84;
const CLIP = 32635;

const decoded = Float32Array.from({ length: 256 }, (_, code) => {
  const c = ~code & 0xff;
  const magnitude = ((((c & 0x0f) << 3) + BIAS) << ((c & 0x70) >> 4)) - BIAS;
  return (c & 0x80 ? -magnitude : magnitude) / 32768;
});

export function decode(mulaw) {
  const out = new Float32Array(mulaw.length);
  for (let i = 0; i < mulaw.length; i++) out[i] = decoded[mulaw[i]];
  return out;
}

export function encodeOne(sample) {
  let value = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
  const sign = value < 0 ? 0x80 : 0;
  value = Math.min(Math.abs(value), CLIP) + BIAS;
  const exponent = 31 - Math.clz32(value) - 7;
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0f)) & 0xff;
}

// A windowed sinc, looked up: 8 zero crossings to each side, cut at the lower of the two half rates.
const CROSSINGS = 8;
const STEPS = 256;
const kernel = Float32Array.from({ length: CROSSINGS * STEPS + 2 }, (_, i) => {
  const x = i / STEPS;
  if (x >= CROSSINGS) return 0;
  const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  return sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / CROSSINGS));
});

// A stream at one rate as the same stream at another, piece by piece exactly as in one piece.
export class Resampler {
  constructor(from, to) {
    this.step = from / to;
    this.cut = Math.min(1, to / from) * 0.94;
    this.reach = Math.ceil(CROSSINGS / this.cut);
    this.kept = new Float32Array(this.reach); // silence came before
    this.at = this.reach; // of the next sample that goes out, within what is kept
  }

  push(samples) {
    const all = new Float32Array(this.kept.length + samples.length);
    all.set(this.kept);
    all.set(samples, this.kept.length);
    const out = [];
    for (; this.at + this.reach < all.length; this.at += this.step) out.push(this.sample(all, this.at));
    const drop = Math.max(0, Math.floor(this.at) - this.reach);
    this.kept = all.slice(drop);
    this.at -= drop;
    return out;
  }

  sample(all, at) {
    let sum = 0;
    const first = Math.max(0, Math.ceil(at - this.reach));
    const last = Math.min(all.length - 1, Math.floor(at + this.reach));
    for (let i = first; i <= last; i++) {
      const x = Math.abs(i - at) * this.cut * STEPS;
      const whole = Math.floor(x);
      if (whole >= CROSSINGS * STEPS) continue;
      sum += all[i] * (kernel[whole] + (kernel[whole + 1] - kernel[whole]) * (x - whole));
    }
    return sum * this.cut;
  }
}

// What waits to be played, in samples of the telephone: marks stand at places in it, and a clear empties it at once.
export class Queue {
  constructor() {
    this.pieces = [];
    this.added = 0; // samples, all that ever came
    this.taken = 0; // of them, those that were played or thrown away
    this.marks = [];
  }

  get waiting() {
    return this.added - this.taken;
  }

  add(samples) {
    this.pieces.push(samples);
    this.added += samples.length;
  }

  mark(name) {
    this.marks.push({ name, at: this.added });
  }

  // Up to so many samples; fewer when there are not that many.
  take(count) {
    const out = new Float32Array(Math.min(count, this.waiting));
    let filled = 0;
    while (filled < out.length) {
      const piece = this.pieces[0];
      const part = piece.subarray(0, out.length - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(part.length);
    }
    this.taken += out.length;
    return out;
  }

  // Marks before which everything was taken; each is given once.
  reached() {
    const names = [];
    while (this.marks.length && this.marks[0].at <= this.taken) names.push(this.marks.shift().name);
    return names;
  }

  clear() {
    this.pieces = [];
    this.taken = this.added;
    return this.reached();
  }
}
