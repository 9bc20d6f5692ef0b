// The line to the server: a WebSocket, and where that cannot be had server-sent events with POST. Both carry the same
// events. It comes back by itself, with growing and uneven pauses, and rests while nobody looks.

const FIRST_WORD_MS = 8000;
const SILENCE_MS = 40000;
const ANSWER_MS = 15000;
const PONG_MS = 5000;
const SLOWEST_MS = 20000;
const REST_SOCKET_MS = 300000;
const REST_STREAM_MS = 10000;
const SOCKET_AGAIN_MS = 120000;

export class Line {
  // `heard(event)` gets every event; `stands(state)` gets "connecting", "online", "offline" or "resting".
  constructor(base, session, { heard, stands }) {
    this.base = base;
    this.session = session;
    this.heard = heard;
    this.stands = stands;
    this.kind = "socket";
    this.attempts = 0;
    this.waiting = new Map();
    this.state = "";
    this.again = SOCKET_AGAIN_MS;
    this.timers = {};
    this.listen();
  }

  // -- life ---------------------------------------------------------------------------------------------------------

  start(session = this.session) {
    this.session = session;
    this.attempts = 0;
    this.connect();
  }

  // Somebody looks or types: whatever rests has to wake up.
  wake() {
    if (this.state === "resting") this.start();
  }

  listen() {
    window.addEventListener("online", () => this.state && this.start());
    window.addEventListener("offline", () => this.state && this.lost());
    window.addEventListener("pagehide", () => this.drop());
    window.addEventListener("pageshow", (event) => event.persisted && this.state && this.start());
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.timers.rest);
      if (document.visibilityState === "hidden") {
        // A browser has only six connections for one host, and a stream holds one of them.
        this.after("rest", this.kind === "socket" ? REST_SOCKET_MS : REST_STREAM_MS, () => this.rest());
      } else if (this.state === "resting") {
        this.start();
      } else if (this.socket?.readyState === WebSocket.OPEN) {
        this.probe();
      }
    });
  }

  after(name, milliseconds, then) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(then, milliseconds);
  }

  rest() {
    if (!this.state) return;
    this.drop();
    this.say("resting");
  }

  say(state) {
    this.state = state;
    this.stands(state);
  }

  // A laptop that slept has sockets that look open and are not.
  probe() {
    this.socket.send('{"type":"ping"}');
    this.after("silence", PONG_MS, () => this.lost());
  }

  // -- connecting ---------------------------------------------------------------------------------------------------

  connect(kind = this.kind) {
    this.drop();
    this.kind = kind;
    this.ready = false;
    if (this.state !== "offline") this.say("connecting");
    const own = kind === "socket" ? this.openSocket() : this.openStream();
    this.own = own;
    this.after("silence", FIRST_WORD_MS, () => this.own === own && this.lost());
  }

  openSocket() {
    let socket;
    try {
      socket = new WebSocket(`${this.base.replace(/^http/, "ws")}socket`);
    } catch {
      queueMicrotask(() => this.own === null && this.lost());
      return null;
    }
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", session: this.session }));
    socket.onmessage = (event) => this.own === socket && this.receive(JSON.parse(event.data));
    socket.onclose = () => this.own === socket && this.lost();
    return socket;
  }

  openStream() {
    const stream = new EventSource(`${this.base}events?${new URLSearchParams({ session: this.session })}`);
    stream.onmessage = (event) => this.own === stream && this.receive(JSON.parse(event.data));
    stream.onerror = () => this.own === stream && this.lost();
    return stream;
  }

  drop() {
    for (const name of ["silence", "retry", "upgrade"]) clearTimeout(this.timers[name]);
    const { own } = this;
    this.own = this.socket = undefined;
    own?.close();
    for (const answer of this.waiting.values()) answer({ status: 0 });
    this.waiting.clear();
  }

  lost() {
    const { ready, kind } = this;
    this.drop();
    // A socket that never spoke may be blocked on the way: events over plain HTTP get through nearly everywhere.
    if (!ready && kind === "socket" && navigator.onLine !== false) return this.connect("stream");
    this.kind = ready ? kind : "socket";
    this.say(this.attempts || navigator.onLine === false ? "offline" : "connecting");
    const pause = Math.min(SLOWEST_MS, 700 * 2 ** this.attempts) * (0.5 + Math.random());
    this.attempts += 1;
    this.after("retry", pause, () => this.connect());
  }

  receive(event) {
    this.after("silence", SILENCE_MS, () => this.lost());
    if (event.type === "rest") return this.rest();
    if (event.type === "accepted") {
      this.waiting.get(event.id)?.(event);
      return this.waiting.delete(event.id);
    }
    if (event.type === "history" && !this.ready) {
      this.ready = true;
      this.attempts = 0;
      this.say("online");
      if (this.kind === "stream") this.after("upgrade", this.again, () => this.upgrade());
    }
    if (event.type !== "ping" && event.type !== "pong") this.heard(event);
  }

  // What blocked the socket may be gone by now; it is tried again, ever more rarely.
  upgrade() {
    this.again *= 4;
    this.connect("socket");
  }

  // -- sending: gives { status, wait, at }; status 0 is a broken line -----------------------------------------------

  send({ notBefore, session, made, failed, label, file, ...given }, language) {
    const item = { ...given, lang: language };
    if (!(this.ready && this.socket?.readyState === WebSocket.OPEN)) return this.post({ session, ...item });
    return new Promise((resolve) => {
      const { id } = item;
      const timer = setTimeout(() => this.waiting.delete(id) && resolve({ status: 0 }), ANSWER_MS);
      this.waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.socket.send(JSON.stringify({ type: "send", ...item }));
    });
  }

  post(body) {
    return this.ask("messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  }

  upload(item, file) {
    return this.ask("files", {
      method: "POST",
      headers: {
        "Content-Type": "application/octet-stream",
        "X-Chat-Session": item.session,
        "X-Chat-Id": item.id,
        "X-Chat-Name": encodeURIComponent(file.name.slice(0, 200)),
      },
      body: file,
    });
  }

  async ask(path, options) {
    try {
      const answer = await fetch(this.base + path, { credentials: "omit", referrerPolicy: "no-referrer", ...options });
      const told = await answer.json().catch(() => ({}));
      return { ...told, status: answer.status };
    } catch {
      return { status: 0 };
    }
  }

  async download(name, session) {
    const answer = await fetch(`${this.base}files/${name}`, { credentials: "omit", headers: { "X-Chat-Session": session } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.blob();
  }
}
