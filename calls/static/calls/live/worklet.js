// The sound of a call on the audio thread: exact to the sample, also while the page is busy or in the background.
import { Queue, RATE, Resampler, decode, encodeOne } from "./sound.js";

const FRAME = 160;
const LEVEL_EVERY = 2400; // samples of the device: 50 ms at 48 kHz

class Level {
  constructor() {
    this.sum = 0;
    this.count = 0;
  }

  add(samples) {
    for (let i = 0; i < samples.length; i++) this.sum += samples[i] * samples[i];
    this.count += samples.length;
  }

  take() {
    const level = this.count ? Math.sqrt(this.sum / this.count) : 0;
    this.sum = this.count = 0;
    return level;
  }
}

// A queue of the telephone's samples that comes out at the device's rate. Nothing of it is left after a clear.
class Player {
  constructor() {
    this.queue = new Queue();
    this.silent();
  }

  silent() {
    this.ready = [];
    this.tail = 0; // samples of silence that bring the end out of the filter
    this.resampler = new Resampler(RATE, sampleRate);
  }

  fill(out) {
    const need = Math.ceil(((out.length - this.ready.length) * RATE) / sampleRate) + 1;
    if (this.ready.length < out.length) {
      const samples = this.queue.take(need);
      if (samples.length || this.ready.length || this.tail > 0) {
        // What the filter holds back comes out with the silence after it.
        const padded = new Float32Array(need);
        padded.set(samples);
        this.tail = samples.length ? RATE / 50 : this.tail - need;
        for (const sample of this.resampler.push(padded)) this.ready.push(sample);
      }
    }
    const given = this.ready.splice(0, out.length);
    for (let i = 0; i < given.length; i++) out[i] = given[i];
  }

  clear() {
    this.silent();
    return this.queue.clear();
  }
}

// Microphone in, loudspeaker out. Messages in: sound, mark, clear, mute, delay. Out: frame, marks, level.
class Phone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.player = new Player();
    this.down = new Resampler(sampleRate, RATE);
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.muted = false;
    this.delay = 0; // samples of the device, from here to the ear
    this.due = []; // marks whose sound is on its way to the loudspeaker
    this.levels = [new Level(), new Level()];
    this.played = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take({ sound, mark, clear, muted, delay_s }) {
    if (sound) this.player.queue.add(decode(sound));
    if (mark !== undefined) {
      if (this.player.queue.waiting || this.due.length) this.player.queue.mark(mark);
      else this.port.postMessage({ marks: [mark] }); // idle: at once
    }
    if (clear) {
      const marks = [...this.due.map(({ name }) => name), ...this.player.clear()];
      this.due = [];
      this.port.postMessage({ marks, cleared: true });
    }
    if (muted !== undefined) this.muted = muted;
    if (delay_s !== undefined) this.delay = Math.round(delay_s * sampleRate);
  }

  process([input], [output]) {
    this.listen(input[0]);
    const out = output[0];
    this.player.fill(out);
    for (let i = 1; i < output.length; i++) output[i].set(out);
    this.levels[1].add(out);
    this.tell();
    return true;
  }

  listen(samples) {
    const heard = samples ?? new Float32Array(128);
    this.levels[0].add(this.muted ? new Float32Array(heard.length) : heard);
    for (const sample of this.down.push(heard)) {
      this.frame[this.filled++] = this.muted ? 0xff : encodeOne(sample);
      if (this.filled === FRAME) {
        const frame = this.frame;
        this.port.postMessage({ frame }, [frame.buffer]);
        this.frame = new Uint8Array(FRAME);
        this.filled = 0;
      }
    }
  }

  tell() {
    for (const name of this.player.queue.reached()) this.due.push({ name, at: currentFrame + this.delay });
    const marks = [];
    while (this.due.length && this.due[0].at <= currentFrame) marks.push(this.due.shift().name);
    if (marks.length) this.port.postMessage({ marks });
    this.played += 128;
    if (this.played >= LEVEL_EVERY) {
      this.played = 0;
      const [mic, agent] = this.levels.map((level) => level.take());
      this.port.postMessage({ level: { mic, agent }, waiting: this.player.queue.waiting });
    }
  }
}

const LEAST = RATE * 0.15; // queued before it begins to sound, so that uneven arrivals are not heard
const MOST = RATE * 0.8; // a listener who is further behind leaves some out

// Listening in: caller and agent, one queue each. Messages in: sides [caller, agent]. Out: level.
class Listener extends AudioWorkletProcessor {
  constructor() {
    super();
    this.players = [new Player(), new Player()];
    this.levels = [new Level(), new Level()];
    this.sounds = false;
    this.played = 0;
    this.port.onmessage = ({ data }) => this.take(data.sides);
  }

  take(sides) {
    sides.forEach((mulaw, side) => {
      const { queue } = this.players[side];
      queue.add(decode(mulaw));
      if (queue.waiting > MOST) queue.take(queue.waiting - LEAST);
    });
    if (this.players[0].queue.waiting >= LEAST) this.sounds = true;
  }

  process(_, [output]) {
    if (this.sounds) {
      const sides = this.players.map((player, side) => {
        const out = new Float32Array(output[0].length);
        player.fill(out);
        this.levels[side].add(out);
        return out;
      });
      output[0].set(sides[0]);
      (output[1] ?? output[0]).set(sides[1]);
      if (!this.players[0].queue.waiting) this.sounds = false;
    }
    this.played += 128;
    if (this.played >= LEVEL_EVERY) {
      this.played = 0;
      const [mic, agent] = this.levels.map((level) => level.take());
      this.port.postMessage({ level: { mic, agent } });
    }
    return true;
  }
}

registerProcessor("phone", Phone);
registerProcessor("listener", Listener);
