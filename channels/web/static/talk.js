// The talk as this tab knows it: messages merged by id, and what is still to be sent. The record is the server's;
// the browser keeps the name of the talk, unsent messages and pressed buttons, for all tabs of this site together.

const KEPT = 300;
const PRESSES_KEPT = 40;
const OTHER_TAB_MS = 6000;
const PAGE_TURN_MS = 60000;

export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

export const keyOf = (message) => (message.author === "visitor" ? "v" : "b") + message.id;

export class Talk {
  // `changed(what)`: "messages" are to be drawn again, "outbox" has something to send, "session" is another talk now,
  // "seen" was moved by another tab.
  constructor(name, changed) {
    this.prefix = `${name}:`;
    this.store = openStorage(this.prefix);
    this.changed = changed;
    this.order = 0;
    this.load();
    window.addEventListener("storage", (event) => this.heard(event));
  }

  load() {
    this.items = new Map();
    this.outbox = [];
    this.files = new Map();
    const kept = this.store.get("talk");
    const whole = /^[\w-]{16,64}$/.test(kept?.session);
    this.session = whole ? kept.session : randomId();
    this.started = whole && Boolean(kept.started);
    this.saveTalk();
    for (const press of this.presses()) if (press.session === this.session) this.put({ ...press, author: "visitor" });
    const unsent = this.store.names("out:").map((name) => this.store.get(name)).filter(Boolean);
    for (const item of unsent.sort((one, other) => one.made - other.made)) this.adopt(item, 0);
  }

  saveTalk() {
    this.store.set("talk", { session: this.session, started: this.started });
  }

  begun() {
    if (this.started) return;
    this.started = true;
    this.saveTalk();
  }

  get messages() {
    return [...this.items.values()].sort(before);
  }

  get asked() {
    return [...this.items.values()].some((message) => message.author === "visitor");
  }

  pressed(under) {
    return this.messages.findLast((message) => message.press === under)?.token;
  }

  // -- what was seen ------------------------------------------------------------------------------------------------

  get answers() {
    return [...this.items.values()].filter((message) => message.author !== "visitor");
  }

  get unread() {
    const seen = this.store.get("seen") ?? Infinity;
    return this.answers.filter((message) => message.at > seen).length;
  }

  see() {
    const last = Math.max(0, ...this.answers.map((message) => message.at));
    if (last > (this.store.get("seen") ?? -1)) this.store.set("seen", last);
  }

  // -- what comes in ------------------------------------------------------------------------------------------------

  // A whole talk: its order is the right one.
  history(messages) {
    let last = 0;
    for (const message of messages) {
      last = Math.max(last, message.at);
      if (message.author === "visitor") this.unqueue(message.id);
      this.put({ ...this.items.get(keyOf(message)), ...message, at: last, state: "sent" });
    }
    if (messages.length) this.begun();
    this.changed("messages");
  }

  // One message, new or changed; one that is known keeps its place.
  accept(message) {
    const known = this.items.get(keyOf(message));
    if (message.author === "visitor") this.unqueue(message.id);
    if (message.edited) this.turned(message.id);
    const place = known?.state === "sent" ? { at: known.at, order: known.order } : {};
    this.put({ ...known, order: undefined, ...message, ...place, state: "sent" });
    this.changed("messages");
  }

  put(message) {
    this.items.set(keyOf(message), { ...message, order: message.order ?? ++this.order });
    if (this.items.size > KEPT) this.items.delete(keyOf(this.messages[0]));
  }

  // The bot answered a press by changing the message that the button was under: a page was turned, nothing was said.
  turned(under) {
    for (const item of [...this.items.values()]) {
      if (item.press !== under || Date.now() - item.made > PAGE_TURN_MS) continue;
      this.savePresses(this.presses().filter((press) => press.id !== item.id));
      this.items.delete(keyOf(item));
    }
  }

  // -- what goes out ------------------------------------------------------------------------------------------------

  say(text) {
    this.queue({ id: randomId(), text });
  }

  press(message, choice) {
    const press = { id: randomId(), session: this.session, text: choice.label, press: message.id, token: choice.token, made: Date.now() };
    this.savePresses([...this.presses(), press].slice(-PRESSES_KEPT));
    this.queue({ id: press.id, token: choice.token, message: message.id, label: choice.label });
  }

  attach(file) {
    const id = randomId();
    this.files.set(id, file);
    this.queue({ id, file: { title: file.name, size: file.size, mime: file.type } });
  }

  // A talk begins with a start, so that the bot can greet. It has one name, however many tabs begin it.
  begin(payload) {
    if (payload) this.queue({ id: randomId(), start: payload });
    else if (!this.started && !this.items.size) this.queue({ id: `start-${this.session.slice(0, 24)}`, start: true });
  }

  queue(given) {
    const item = { ...given, session: this.session, made: Date.now() };
    this.keep(item);
    this.adopt(item, 0);
  }

  keep(item) {
    if (!item.file) this.store.set(`out:${item.id}`, item);
  }

  // With `since` another tab is sending it: this one waits a while and then lends a hand. A repeat is harmless.
  adopt(item, since) {
    if (item.session !== this.session) return this.store.remove(`out:${item.id}`);
    if (this.outbox.some((other) => other.id === item.id)) return;
    this.outbox.push({ ...item, notBefore: since ? since + OTHER_TAB_MS : 0 });
    if (!item.start) this.put(pending(item));
    this.changed("outbox");
    this.changed("messages");
  }

  // The first message that may be sent now, and else how long to wait for one.
  next() {
    const open = this.outbox.filter((item) => !item.failed);
    const now = Date.now();
    const item = open.find((other) => other.notBefore <= now) ?? null;
    return { item, wait: item || !open.length ? 0 : Math.min(...open.map((other) => other.notBefore)) - now };
  }

  sent(item, at) {
    this.unqueue(item.id);
    if (item.start) return this.begun();
    if (item.token) this.savePresses(this.presses().map((press) => (press.id === item.id ? { ...press, at } : press)));
    this.mark(item.id, { state: "sent", at, order: undefined });
  }

  waiting(item) {
    this.mark(item.id, { state: "waiting" });
  }

  failed(item, reason) {
    item.failed = true;
    this.keep(item);
    this.mark(item.id, { state: "failed", reason });
  }

  retry(id) {
    const item = this.outbox.find((other) => other.id === id);
    if (!item) return;
    item.failed = false;
    this.keep(item);
    this.mark(id, { state: "sending", reason: undefined });
    this.changed("outbox");
  }

  // Takes an unsent message back, so that its words can go into the composer again.
  takeBack(item) {
    if (!item.file) this.store.set(`out:${item.id}`, { ...item, back: true });
    this.savePresses(this.presses().filter((press) => press.id !== item.id));
    this.unqueue(item.id);
    this.items.delete(`v${item.id}`);
    this.changed("messages");
  }

  mark(id, change) {
    const known = this.items.get(`v${id}`);
    if (!known || (known.state === "sent" && change.state !== "failed")) return;
    this.put({ ...known, ...change, at: change.at ?? known.at });
    this.changed("messages");
  }

  unqueue(id) {
    this.outbox = this.outbox.filter((item) => item.id !== id);
    this.store.remove(`out:${id}`);
  }

  presses() {
    const kept = this.store.get("presses");
    return Array.isArray(kept) ? kept.map((press) => ({ state: "sent", ...press, at: press.at ?? press.made })) : [];
  }

  savePresses(list) {
    this.store.set("presses", list);
  }

  // -- other tabs ---------------------------------------------------------------------------------------------------

  renew() {
    for (const name of [...this.store.names("out:"), "talk", "presses", "seen"]) this.store.remove(name);
    this.load();
    this.changed("session");
  }

  heard(event) {
    if (!event.key?.startsWith(this.prefix)) return;
    const name = event.key.slice(this.prefix.length);
    const value = parsed(event.newValue);
    if (name === "talk" && value?.session === this.session) {
      this.started = this.started || Boolean(value.started);
    } else if (name === "talk" && value?.session) {
      this.load();
      this.changed("session");
    } else if (name === "seen") {
      this.changed("seen");
    } else if (name === "presses") {
      this.followPresses(Array.isArray(value) ? value : []);
    } else if (name.startsWith("out:")) {
      this.followOutbox(name.slice(4), value);
    }
  }

  followPresses(list) {
    const kept = new Map(list.map((press) => [press.id, press]));
    for (const item of [...this.items.values()]) {
      const press = kept.get(item.id);
      if (item.press && item.state === "sent" && !press) this.items.delete(keyOf(item));
      else if (item.press && press?.at && press.at !== item.at) this.put({ ...item, at: press.at });
    }
    this.changed("messages");
  }

  followOutbox(id, value) {
    const mine = this.outbox.find((item) => item.id === id);
    if (!value || value.back) {
      this.outbox = this.outbox.filter((item) => item.id !== id);
      if (value) this.items.delete(`v${id}`);
      else this.mark(id, { state: "sent" });
      this.changed("messages");
    } else if (mine) {
      mine.failed = Boolean(value.failed);
      this.mark(id, { state: mine.failed ? "failed" : "sending" });
    } else {
      this.adopt(value, Date.now());
    }
  }
}

function pending(item) {
  const look = { id: item.id, author: "visitor", at: item.made, made: item.made, state: item.failed ? "failed" : "sending" };
  if (item.file) return { ...look, text: "", file: item.file };
  return item.token ? { ...look, text: item.label, press: item.message, token: item.token } : { ...look, text: item.text };
}

// What is unsent stands last; else time decides, and for the same moment the order of arrival.
function before(one, other) {
  const unsent = (message) => (message.author === "visitor" && message.state !== "sent" ? 1 : 0);
  return unsent(one) - unsent(other) || one.at - other.at || one.order - other.order;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Storage that may be forbidden or full: then this tab goes on from memory.
function openStorage(prefix) {
  const memory = new Map();
  let kept = null;
  try {
    kept = window.localStorage;
    kept.setItem(`${prefix}probe`, "1");
    kept.removeItem(`${prefix}probe`);
  } catch {
    kept = null;
  }
  return {
    get: (name) => (memory.has(name) ? memory.get(name) : kept && parsed(kept.getItem(prefix + name))),
    set(name, value) {
      memory.delete(name);
      try {
        if (kept) return kept.setItem(prefix + name, JSON.stringify(value));
      } catch {
        // Full: this tab remembers it alone.
      }
      memory.set(name, value);
    },
    remove(name) {
      memory.delete(name);
      kept?.removeItem(prefix + name);
    },
    names(start) {
      const stored = kept ? Object.keys(kept).filter((key) => key.startsWith(prefix)) : [];
      return [...stored.map((key) => key.slice(prefix.length)), ...memory.keys()].filter((name) => name.startsWith(start));
    },
  };
}
