// A telephone in the page: microphone and loudspeaker on the audio thread, and the media socket that carries them.
import { address } from "./socket.js";

const BEHIND = 16000; // bytes that the network has not taken: two seconds of sound, after which frames are left out

export class NoMicrophone extends Error {}

export class Phone {
  // `changed(state)` gets "open" or "closed" with a code, `level({mic, agent})` what sounds now.
  constructor(worklet, { changed, level }) {
    this.worklet = worklet;
    this.changed = changed;
    this.level = level;
  }

  // The browser asks for the microphone here, before anything rings.
  async pickUp() {
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
      throw new NoMicrophone("This browser gives its microphone only to pages opened over https, or on this computer (localhost).");
    }
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      const why = error.name === "NotFoundError" ? "No microphone was found." : "The microphone was not allowed.";
      throw new NoMicrophone(`${why} Allow it in the browser's address bar, then call again.`);
    }
    this.context = new AudioContext({ latencyHint: "interactive" });
    await this.context.audioWorklet.addModule(this.worklet);
    this.node = new AudioWorkletNode(this.context, "phone", { outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.sounded(data);
    this.node.connect(this.context.destination);
    await this.context.resume();
  }

  call({ media, carrier_call, token }) {
    this.socket = new WebSocket(address(media));
    this.socket.onopen = () => {
      this.send({ event: "start", call: carrier_call, token });
      this.context.createMediaStreamSource(this.stream).connect(this.node);
      // What was rendered is heard this much later, and a mark means heard.
      this.node.port.postMessage({ delay_s: this.context.outputLatency || this.context.baseLatency || 0 });
      this.ready = true;
      this.changed("open");
    };
    this.socket.onmessage = ({ data }) => this.told(JSON.parse(data));
    this.socket.onclose = ({ code }) => this.hungUp(code);
  }

  told({ event, payload, name }) {
    if (event === "sound") {
      const sound = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
      this.node.port.postMessage({ sound }, [sound.buffer]);
    } else if (event === "mark") this.node.port.postMessage({ mark: name });
    else if (event === "clear") this.node.port.postMessage({ clear: true });
  }

  sounded({ frame, marks = [], level }) {
    if (!this.ready) return;
    if (frame && this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount < BEHIND) this.socket.send(frame);
    for (const name of marks) this.send({ event: "mark", name });
    if (level) this.level(level);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  mute(muted) {
    this.node.port.postMessage({ muted });
  }

  key(digit) {
    this.send({ event: "key", digit });
  }

  hangUp() {
    this.send({ event: "stop" });
    this.socket?.close(1000);
  }

  // Also harmless before anything began, and twice.
  hungUp(code = 1000) {
    this.ready = false;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (this.context && this.context.state !== "closed") this.context.close();
    this.changed("closed", code);
  }
}

// Both sides of somebody else's call, the caller left and the agent right.
export class Ear {
  constructor(worklet, level) {
    this.worklet = worklet;
    this.level = level;
  }

  async open() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    await this.context.audioWorklet.addModule(this.worklet);
    this.node = new AudioWorkletNode(this.context, "listener", { numberOfInputs: 0, outputChannelCount: [2] });
    this.node.port.onmessage = ({ data }) => this.level(data.level);
    this.node.connect(this.context.destination);
    await this.context.resume();
  }

  // A byte of which sides there are, two of how long, the sides. One that is left out is silent.
  heard(buffer) {
    const head = new DataView(buffer);
    const sides = head.getUint8(0);
    const length = head.getUint16(1, true);
    let at = 3;
    const side = (bit) => {
      if (!(sides & bit)) return new Uint8Array(length || 800).fill(0xff);
      at += length;
      return new Uint8Array(buffer.slice(at - length, at));
    };
    this.node?.port.postMessage({ sides: [side(1), side(2)] });
  }

  close() {
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}
