// The chat itself, in a shadow root: the same on our own page and in the widget on any site.

import { Bubbles, icon, make, unseen } from "./bubbles.js";
import { Line } from "./line.js";
import { Talk, keyOf } from "./talk.js";
import { WORDS, filled } from "./words.js";

const TYPING_MS = 8000;
const TOAST_MS = 6000;
const STEERING_MS = 800;
const SLOWEST_MS = 15000;

// `setup` has root, base, config (null: it is asked for), language, title, greeting, full (a page of its own) and
// tell(event, detail): "open", "close", "unread" and "message".
export async function createChat(setup) {
  const here = new URL(".", import.meta.url);
  const [config, styles] = await Promise.all([
    setup.config ?? fetch(`${setup.base}config`, { credentials: "omit" }).then((answer) => answer.json()),
    fetch(new URL("panel.css", here), { credentials: "omit" }).then((answer) => answer.text()),
  ]);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  setup.root.adoptedStyleSheets = [...setup.root.adoptedStyleSheets, sheet];
  return new Chat({ ...setup, config });
}

class Chat {
  constructor({ root, base, config, language, title, greeting, full, tell }) {
    Object.assign(this, { root, base, language, full, tell });
    this.config = { maxLength: 2000, starters: [], commands: [], ...config };
    this.words = WORDS[language];
    this.title = title || config.title || "";
    this.greeting = greeting || this.words.welcomeText;
    this.shown = false;
    this.following = true;
    this.scrolledTo = 0;
    this.steered = 0;
    this.drawn = new Map();
    this.build();
    if (config.allowed === false) return this.refuse();
    this.bubbles = new Bubbles(language, this.words, this.config.commands, {
      say: (text) => this.say(text),
      press: (message, choice) => this.press(message, choice),
      retry: (id) => this.talk.retry(id),
      save: (file) => this.save(file),
    });
    this.talk = new Talk(`optfm-chat:${base}`, (what) => this.changed(what));
    this.line = new Line(base, this.talk.session, {
      heard: (event) => this.hear(event),
      stands: (state) => this.stand(state),
    });
    this.field.value = this.draft();
    this.listen();
    this.sync(true);
    this.fit();
    if (this.talk.outbox.length) this.flush();
  }

  // -- building -----------------------------------------------------------------------------------------------------

  build() {
    const { words, full, config } = this;
    const head = full ? "h1" : "h2";
    const button = (name, label, onclick, className = "quiet") =>
      make("button", { type: "button", className, "aria-label": label, title: label, onclick }, icon(name));
    this.statusText = make("span", {}, words.connecting);
    this.status = make("p", { className: "status" }, make("span", { className: "dot", "aria-hidden": "true" }), this.statusText);
    this.renewButton = button("renew", words.renew, () => this.ask());
    this.renewButton.hidden = true;
    this.bar = make(
      "header", { className: "bar" },
      make("span", { className: "tile", "aria-hidden": "true" }, icon("bot")),
      make("div", { className: "bar-text" }, make(head, { id: "title" }, this.title), this.status),
      this.renewButton,
      full ? null : button("close", words.close, () => this.hide()),
    );
    this.strip = make("p", { className: "strip", role: "status", hidden: true });
    this.log = make("div", { className: "log", role: "log", "aria-live": "polite", "aria-label": words.log });
    this.typing = make("div", { className: "typing", "aria-hidden": "true", hidden: true }, ...[1, 2, 3].map(() => make("span")));
    this.topics = this.buildTopics();
    this.scroller = make(
      "div", { className: "talk", tabIndex: 0, "aria-label": words.log, role: "group" },
      make(
        "div", { className: "welcome" },
        make("span", { className: "tile tile-big", "aria-hidden": "true" }, icon("bot")),
        make(full ? "h2" : "h3", {}, words.welcome), make("p", {}, this.greeting),
      ),
      this.log, this.typing, this.topics,
    );
    this.jump = make("button", { type: "button", className: "jump", hidden: true }, icon("down"), words.jump);
    this.field = make("textarea", {
      id: "text", rows: 1, maxLength: config.maxLength, placeholder: words.placeholder, enterKeyHint: "send", "aria-describedby": "note",
    });
    this.sendButton = make("button", { type: "submit", className: "send", "aria-label": words.send, disabled: true }, icon("send"));
    this.count = make("span", { className: "count", hidden: true });
    const picker = config.files && make("input", { type: "file", hidden: true, accept: config.files.types.join(",") });
    this.picker = picker;
    this.form = make(
      "form", { className: "composer", autocomplete: "off" },
      make("label", { className: "unseen", htmlFor: "text" }, words.label),
      picker, picker && button("clip", words.attach, () => picker.click(), "clip"),
      this.field, this.sendButton,
    );
    this.toastBox = make("p", { className: "toast", role: "status", hidden: true });
    this.below = make(
      "div", { className: "below" },
      this.jump, this.form,
      make("p", { className: "note", id: "note" }, make("span", {}, words.note), this.count),
    );
    this.panel = make(
      full ? "main" : "section",
      full ? { className: "panel full" } : { className: "panel", role: "dialog", "aria-labelledby": "title", id: "panel", hidden: true },
      this.bar, this.strip, this.scroller, this.below, this.toastBox,
    );
    this.panel.lang = this.language;
    this.panel.addEventListener("keydown", (event) => this.onKey(event));
    this.root.append(this.panel);
  }

  buildTopics() {
    const { starters } = this.config;
    const items = starters.map((question) => {
      const onclick = () => { this.say(question); this.field.focus({ preventScroll: true }); };
      return make("li", {}, make("button", { type: "button", className: "starter", onclick }, question));
    });
    const title = make(this.full ? "h2" : "h3", { id: "topics" }, this.words.topics);
    return make("section", { className: "topics", "aria-labelledby": "topics", hidden: !items.length }, title, make("ul", {}, ...items));
  }

  refuse() {
    this.strip.textContent = this.words.notAllowed;
    this.strip.hidden = false;
    this.field.disabled = true;
    this.topics.hidden = true;
    this.statusText.textContent = this.words.offline;
    console.warn(`optfm-chat: ${location.origin} is not in allowed_origins of ${this.base}`);
  }

  listen() {
    const { field, scroller } = this;
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    field.addEventListener("input", () => { this.fit(); this.line.wake(); });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.panel.addEventListener("focusin", () => this.line.wake());
    this.panel.addEventListener("pointerdown", () => this.line.wake());
    this.jump.addEventListener("click", () => scroller.scrollTo({ top: scroller.scrollHeight, behavior: this.pace() }));
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    for (const own of ["wheel", "touchmove", "keydown"]) scroller.addEventListener(own, () => { this.steered = 0; }, { passive: true });
    this.picker?.addEventListener("change", () => this.attach());
    document.addEventListener("visibilitychange", () => this.see());
    window.visualViewport?.addEventListener("resize", () => this.measure());
  }

  onKey(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    if (this.question) this.question.remove();
    else if (!this.full) this.hide();
    else return;
    event.stopPropagation();
  }

  // A keyboard on the screen takes its height from what is seen, not from the page.
  measure() {
    const { height } = window.visualViewport;
    this.panel.style.setProperty("--seen", `${Math.round(height)}px`);
  }

  // -- opening and closing -------------------------------------------------------------------------------------------

  // Connects without showing anything, for a visitor who was here before.
  follow() {
    if (this.line && !this.line.state) this.line.start();
  }

  get hasTalk() {
    return Boolean(this.talk?.started);
  }

  show() {
    this.shown = true;
    this.panel.hidden = false;
    this.follow();
    this.line?.wake();
    this.begin();
    this.fit();
    this.scrollDown();
    this.see();
    this.tell("open");
    if (this.full && !matchMedia("(min-width: 760px)").matches) return;
    (this.line ? this.field : this.panel.querySelector(".quiet:not([hidden])"))?.focus({ preventScroll: true });
  }

  hide() {
    if (!this.shown || this.full) return;
    this.shown = false;
    this.panel.hidden = true;
    this.tell("close");
  }

  // -- what was said -------------------------------------------------------------------------------------------------

  changed(what) {
    if (!this.talk || !this.line) return;
    if (what === "messages") this.sync();
    if (what === "outbox") this.flush();
    if (what === "seen") this.countUnread();
    if (what === "session") this.again();
  }

  again() {
    this.read = false;
    this.showTyping(false);
    this.sync(true);
    this.wakeSender?.();
    this.line.start(this.talk.session);
    this.flush();
  }

  hear(event) {
    if (event.type === "history") {
      this.read = event.complete;
      this.restoring = true;
      this.talk.history(event.messages);
      this.restoring = false;
      this.tellStrip();
      this.begin();
    } else if (event.type === "message") {
      const { type, ...message } = event;
      const fresh = message.author !== "visitor" && !this.talk.items.has(keyOf(message));
      if (message.author !== "visitor") this.showTyping(false);
      this.talk.accept(message);
      if (fresh) this.tell("message", { author: message.author });
    } else if (event.type === "typing") {
      this.showTyping(true);
    } else if (event.type === "notice") {
      this.toast(event.text);
    }
  }

  // A talk begins when somebody looks at it; `?start=` of a link carries its payload.
  begin() {
    if (!this.shown || !this.read) return;
    const payload = this.full && new URLSearchParams(location.search).get("start");
    if (payload && /^[\w-]{1,64}$/.test(payload)) {
      history.replaceState(null, "", location.pathname);
      this.talk.begin(payload);
    } else {
      this.talk.begin();
    }
  }

  // Makes the list of bubbles what the talk is, touching only what differs.
  sync(quiet = this.restoring) {
    const { talk, log, drawn } = this;
    if (quiet) log.setAttribute("aria-live", "off");
    const messages = talk.messages;
    const kept = new Set(messages.map(keyOf));
    for (const [key, { node }] of drawn) if (!kept.has(key)) { node.remove(); drawn.delete(key); }
    let last = null;
    messages.forEach((message, place) => {
      const node = this.drawnOf(message, quiet, (made) => { last = made; });
      if (log.children[place] !== node) log.insertBefore(node, log.children[place] ?? null);
    });
    this.group();
    this.countUnread();
    if (quiet) {
      requestAnimationFrame(() => {
        if (this.following) this.scrollDown();
        log.setAttribute("aria-live", "polite");
      });
    } else {
      this.reveal(last);
    }
    this.see();
  }

  drawnOf(message, quiet, isNew) {
    const key = keyOf(message);
    const pressed = message.buttons?.length ? this.talk.pressed(message.id) : undefined;
    const { order, made, ...seen } = message;
    const look = JSON.stringify([seen, pressed]);
    const known = this.drawn.get(key);
    if (known?.look === look) return known.node;
    const node = this.bubbles.draw(message, pressed);
    node.dataset.id = message.id;
    if (known) {
      const focused = known.node.contains(this.root.activeElement) ? this.root.activeElement.dataset.token : null;
      known.node.replaceWith(node);
      if (focused) node.querySelector(`[data-token="${CSS.escape(focused)}"]`)?.focus();
    } else if (!quiet) {
      node.classList.add("entering");
      isNew(node);
    }
    this.drawn.set(key, { node, look });
    return node;
  }

  // Messages of one author in a row look like one turn: only the last shows its time.
  group() {
    let before = null;
    for (const item of this.log.children) {
      const same = before && before.classList.contains("bot") === item.classList.contains("bot");
      item.classList.toggle("first", !same);
      before?.classList.toggle("last", !same);
      before = item;
    }
    before?.classList.add("last");
    const { asked } = this.talk;
    this.topics.hidden = !this.config.starters.length || asked;
    this.renewButton.hidden = !asked;
  }

  // -- sending -------------------------------------------------------------------------------------------------------

  submit() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.fit();
    this.say(text);
    this.field.focus();
  }

  say(text) {
    this.jump.hidden = true;
    this.line.wake();
    this.talk.say(text);
  }

  press(message, choice) {
    if (this.talk.outbox.some((item) => item.token === choice.token)) return;
    this.line.wake();
    this.talk.press(message, choice);
  }

  attach() {
    const [file] = this.picker.files;
    this.picker.value = "";
    if (!file) return;
    const { bytes, types } = this.config.files;
    if (file.size > bytes) this.toast(filled(this.words.tooLarge, { n: Math.floor(bytes / 1e6) }));
    else if (file.type && !types.includes(file.type)) this.toast(this.words.wrongType);
    else this.talk.attach(file);
  }

  async save(file) {
    try {
      const url = URL.createObjectURL(await this.line.download(file.name, this.talk.session));
      make("a", { href: url, download: file.title || file.name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    } catch {
      this.toast(this.words.notSaved);
    }
  }

  // One after another, each until the server has it; a repeat carries the same id.
  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    let failures = 0;
    for (;;) {
      const { item, wait } = this.talk.next();
      if (!item && !wait) break;
      if (!item) {
        await this.pause(wait);
        continue;
      }
      const file = this.talk.files.get(item.id);
      const answer = await (item.file ? this.line.upload(item, file) : this.line.send(item, this.language));
      if (item.session !== this.talk.session) continue;
      failures = this.verdict(item, answer) ? 0 : failures + 1;
      if (failures) await this.pause(answer.wait ? answer.wait * 1000 : Math.min(SLOWEST_MS, 1000 * 2 ** (failures - 1)) * (0.5 + Math.random()));
    }
    this.flushing = false;
    this.tellStrip();
  }

  // Whether the message needs no further try.
  verdict(item, { status, at, wait }) {
    if (status >= 200 && status < 300) {
      this.talk.sent(item, at);
    } else if (status === 429 && (item.text || item.token)) {
      this.toast(filled(this.words.tooFast, { n: wait || 5 }));
      if (item.text && (this.field.value || this.talk.outbox.length > 1)) return this.later(item);
      this.talk.takeBack(item);
      if (item.text) this.field.value = item.text;
      this.fit();
    } else if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
      this.talk.failed(item, { 413: filled(this.words.tooLarge, { n: Math.floor((this.config.files?.bytes ?? 0) / 1e6) }), 415: this.words.wrongType }[item.file && status]);
      if (item.token) this.toast(this.words.notPressed);
    } else {
      return this.later(item);
    }
    return true;
  }

  later(item) {
    this.talk.waiting(item);
    this.tellStrip();
    return false;
  }

  pause(milliseconds) {
    return new Promise((resolve) => {
      this.wakeSender = resolve;
      setTimeout(resolve, milliseconds);
    });
  }

  // -- what is shown besides ------------------------------------------------------------------------------------------

  stand(state) {
    this.status.dataset.state = state;
    this.statusText.textContent = this.words[state];
    if (state === "online") this.wakeSender?.();
    else this.showTyping(false);
    this.tellStrip();
  }

  tellStrip() {
    const { words, strip } = this;
    const offline = this.line?.state === "offline";
    const queued = this.talk?.outbox.some((item) => !item.start && !item.failed);
    const text = offline ? (queued ? words.queued : words.lost) : this.read === false && this.line?.state === "online" ? words.record : "";
    if (strip.textContent !== text) strip.textContent = text;
    strip.hidden = !text;
  }

  showTyping(on) {
    clearTimeout(this.typingTimer);
    this.typing.hidden = !on;
    if (!on) return;
    if (this.following) this.scrollDown();
    this.typingTimer = setTimeout(() => this.showTyping(false), TYPING_MS);
  }

  toast(text) {
    this.toastBox.textContent = text;
    this.toastBox.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => { this.toastBox.hidden = true; }, TOAST_MS);
  }

  // Asks inside the panel; the rest of it waits.
  ask() {
    const { words } = this;
    const end = (yes) => {
      box.remove();
      if (yes) this.talk.renew();
      (yes ? this.field : this.renewButton).focus();
    };
    const choice = (className, text, yes) => make("button", { type: "button", className, onclick: () => end(yes) }, text);
    const no = choice("plain", words.askNo, false);
    const box = make(
      "div", { className: "veil" },
      make(
        "div", { className: "ask", role: "alertdialog", "aria-labelledby": "ask-title", "aria-describedby": "ask-text" },
        make("h2", { id: "ask-title" }, words.askTitle), make("p", { id: "ask-text" }, words.askText),
        make("div", { className: "ask-buttons" }, no, choice("primary", words.askYes, true)),
      ),
    );
    const rest = [this.bar, this.strip, this.scroller, this.below];
    for (const part of rest) part.inert = true;
    box.remove = () => {
      for (const part of rest) part.inert = false;
      this.question = null;
      Element.prototype.remove.call(box);
    };
    this.question = { remove: () => end(false) };
    this.panel.append(box);
    no.focus();
  }

  see() {
    if (this.shown && this.talk && document.visibilityState === "visible") this.talk.see();
    this.countUnread();
  }

  countUnread() {
    const unread = this.shown ? 0 : this.talk?.unread ?? 0;
    if (unread === this.unreadTold) return;
    this.unreadTold = unread;
    this.tell("unread", unread);
  }

  draft() {
    try {
      return sessionStorage.getItem(`optfm-chat:${this.base}:draft`) ?? "";
    } catch {
      return "";
    }
  }

  fit() {
    const { field } = this;
    const most = this.config.maxLength;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 168)}px`;
    this.sendButton.disabled = !field.value.trim();
    this.count.hidden = most - field.value.length > most / 10;
    this.count.textContent = `${field.value.length} / ${most}`;
    try {
      sessionStorage.setItem(`optfm-chat:${this.base}:draft`, field.value);
    } catch {
      // Forbidden: the draft lives as long as the page.
    }
  }

  // Who scrolls up wants to read: new messages wait below until they come back down.
  scrolled() {
    const { scroller } = this;
    const { scrollTop } = scroller;
    if (scroller.scrollHeight - scrollTop - scroller.clientHeight < 80) {
      this.following = true;
      this.jump.hidden = true;
    } else if (scrollTop < this.scrolledTo && performance.now() > this.steered) {
      this.following = false;
    }
    this.scrolledTo = scrollTop;
  }

  scrollDown() {
    const { scroller } = this;
    scroller.scrollTop = this.talk?.asked ? scroller.scrollHeight : 0;
  }

  pace() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  }

  // A long answer is read from its beginning, so its first line is what stays in view.
  reveal(fresh) {
    if (fresh?.classList.contains("mine")) this.following = true;
    if (fresh && !this.following) this.jump.hidden = false;
    this.aim = fresh?.dataset.id ?? this.aim;
    if (!this.following || !this.aim || !this.talk.asked) return;
    const { scroller } = this;
    const item = this.log.querySelector(`[data-id="${CSS.escape(this.aim)}"]`);
    this.steered = performance.now() + STEERING_MS;
    const tall = item && item.offsetHeight > scroller.clientHeight - 32;
    scroller.scrollTo({ top: tall ? item.offsetTop - 16 : scroller.scrollHeight, behavior: this.pace() });
  }
}
