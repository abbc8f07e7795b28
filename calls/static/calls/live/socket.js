// A page's socket to the server: JSON both ways, opened again by itself when it is lost.

const PAUSES_MS = [500, 1000, 2000, 5000];
const NOT_ALLOWED = 4403;

export function address(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

// `told(message)` gets texts, `heard(ArrayBuffer)` binary messages, `linked(state)` "open", "lost" or "refused".
export function connect(path, { told, heard = () => {}, linked = () => {} }) {
  let socket;
  let failures = 0;
  let closed = false;
  let timer;

  function open() {
    socket = new WebSocket(address(path));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      failures = 0;
      linked("open");
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? told(JSON.parse(data)) : heard(data));
    socket.onclose = ({ code }) => {
      if (closed) return;
      if (code === NOT_ALLOWED) return linked("refused");
      linked("lost");
      timer = setTimeout(open, PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]);
    };
  }

  open();
  return {
    send: (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message)),
    close: () => {
      closed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}

export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
