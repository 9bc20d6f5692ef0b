"use strict";
// The page of the web chat. It keeps its own copy of the talk, sends with ids so that a repeat is harmless,
// and follows the answers by server-sent events. Nothing that comes from outside is ever put in as HTML.
(() => {
  const WORDS = {
    ru: {
      renew: "Новый диалог", welcome: "Чем помочь?",
      welcomeText: "Спросите своими словами — бот ответит сразу, в любое время.",
      topics: "Часто спрашивают", label: "Ваш вопрос", placeholder: "Напишите вопрос", send: "Отправить",
      note: "Отвечает бот. Не присылайте пароли и номера карт.", jump: "Новое сообщение", log: "Переписка",
      askTitle: "Начать новый диалог?", askText: "Переписка исчезнет с этой страницы. Вернуть её будет нельзя.",
      askNo: "Оставить", askYes: "Начать новый",
      connecting: "Подключаемся…", online: "На связи", offline: "Нет связи",
      lost: "Нет связи, переподключаемся…", bot: "Бот:", me: "Вы:", sending: "Отправляем…",
      waiting: "Ещё не отправлено, повторяем…", failed: "Не отправлено.", again: "Повторить", edited: "изменено",
      notPressed: "Кнопка не сработала, попробуйте ещё раз", opens: "откроется в новой вкладке",
    },
    en: {
      renew: "New chat", welcome: "How can I help?",
      welcomeText: "Ask in your own words — the bot answers at once, at any time.",
      topics: "People often ask", label: "Your question", placeholder: "Type your question", send: "Send",
      note: "A bot is answering. Don't send passwords or card numbers.", jump: "New message", log: "Conversation",
      askTitle: "Start a new chat?", askText: "The messages will disappear from this page. This can't be undone.",
      askNo: "Keep it", askYes: "Start new",
      connecting: "Connecting…", online: "Online", offline: "Offline",
      lost: "Connection lost, reconnecting…", bot: "Bot:", me: "You:", sending: "Sending…",
      waiting: "Not sent yet, retrying…", failed: "Not sent.", again: "Retry", edited: "edited",
      notPressed: "The button didn't work, please try again", opens: "opens in a new tab",
    },
  };
  const KEPT = 100;
  const SEND_SECONDS = 15;
  const TYPING_SECONDS = 8;
  const TAGS = new Set(["P", "B", "I", "CODE", "UL", "OL", "LI", "BLOCKQUOTE", "BR"]);
  const UNREAD = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT"]);
  const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
  const ICONS = {
    clock: "M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z",
    check: "M5 12.5l4.5 4.5L19 7.5",
    alert: "M12 8v5M12 16.3h.01M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z",
    out: "M8 16 17 7M9.5 7H17v7.5",
  };

  const config = JSON.parse(document.body.dataset.chat);
  const language = (navigator.language || "ru").toLowerCase().startsWith("ru") ? "ru" : "en";
  const words = WORDS[language];
  const $ = (id) => document.getElementById(id);
  const talk = $("talk"), log = $("log"), typing = $("typing"), field = $("text"), sendButton = $("send");

  // -- memory: the talk survives a reload, and a browser that refuses storage only loses that ------------------------

  const storageKey = `optfm-chat:${config.instance}`;
  const fresh = () => ({ session: randomId(), last: "", messages: [], outbox: [], started: false });
  let state = load();

  function load() {
    try {
      const kept = JSON.parse(localStorage.getItem(storageKey));
      const whole = kept && /^[\w-]{16,64}$/.test(kept.session) && Array.isArray(kept.messages) && Array.isArray(kept.outbox);
      return whole ? kept : fresh();
    } catch {
      return fresh();
    }
  }

  function save() {
    state.messages = state.messages.slice(-KEPT);
    try {
      localStorage.setItem(storageKey, JSON.stringify(state));
    } catch {
      // Storage is full or forbidden: this tab goes on from memory.
    }
  }

  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(18));
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function safeAddress(text) {
    try {
      const url = new URL(text);
      return SCHEMES.has(url.protocol) ? url.href : null;
    } catch {
      return null;
    }
  }

  // Builds the message anew from allowed tags; the parsed document is inert and is thrown away.
  function fill(target, html) {
    copy(new DOMParser().parseFromString(html, "text/html").body, target);
  }

  function copy(from, to) {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (to.closest("a, code")) to.append(node.data);
        else appendWithCommands(to, node.data);
      } else if (node.nodeType === Node.ELEMENT_NODE && !UNREAD.has(node.tagName)) {
        copy(node, container(node, to));
      }
    }
  }

  function container(node, to) {
    if (TAGS.has(node.tagName)) {
      const made = document.createElement(node.tagName);
      if (node.tagName === "OL") made.start = Number.parseInt(node.getAttribute("start") || "1", 10) || 1;
      to.append(made);
      return made;
    }
    const address = node.tagName === "A" && safeAddress(node.getAttribute("href") || "");
    if (!address) return to;
    const link = element("a");
    link.href = address;
    outward(link, address);
    to.append(link);
    return link;
  }

  function outward(link, address) {
    if (!address.startsWith("http")) return;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }

  function appendWithCommands(to, text) {
    for (const part of text.split(/(?<![\w/])(\/[a-z_]{2,32})(?![\w/])/)) {
      if (part.startsWith("/") && config.commands.includes(part.slice(1))) {
        const button = element("button", "command", part);
        button.type = "button";
        button.addEventListener("click", () => say(part));
        to.append(button);
      } else if (part) {
        to.append(part);
      }
    }
  }

  function draw(message) {
    const item = element("div", `message ${message.author === "bot" ? "bot" : "mine"}`);
    item.dataset.id = message.id;
    const bubble = element("div", "bubble");
    if (message.author === "bot") fill(bubble, message.html || "");
    else bubble.textContent = message.text;
    item.append(element("span", "unseen", message.author === "bot" ? words.bot : words.me), bubble);
    const rows = (message.buttons || []).filter((row) => row.length);
    if (rows.length) {
      item.classList.add("has-buttons");
      item.append(drawButtons(message, rows));
    }
    item.append(drawMeta(message, item));
    return item;
  }

  function drawButtons(message, rows) {
    const block = element("div", "buttons");
    for (const row of rows) {
      const line = element("div", "row");
      for (const choice of row) {
        const made = choice.url ? linkButton(choice) : tokenButton(message, choice);
        if (made) line.append(made);
      }
      block.append(line);
    }
    return block;
  }

  function linkButton(choice) {
    const address = safeAddress(choice.url);
    if (!address) return null;
    const link = element("a", "choice", choice.label);
    link.href = address;
    outward(link, address);
    if (link.target) link.append(icon("out"), element("span", "unseen", `, ${words.opens}`));
    return link;
  }

  function tokenButton(message, choice) {
    const button = element("button", "choice", choice.label);
    button.type = "button";
    button.dataset.token = choice.token;
    if (message.pressed === choice.token) markPressed(button);
    button.addEventListener("click", () => press(message.id, choice.token, button));
    return button;
  }

  function markPressed(button) {
    for (const other of button.closest(".buttons")?.querySelectorAll(".pressed") || []) other.classList.remove("pressed");
    button.classList.add("pressed");
  }

  function drawMeta(message, item) {
    const meta = element("div", "meta");
    const time = element("time", "", clock.format(message.at));
    time.dateTime = new Date(message.at).toISOString();
    if (message.author === "bot") {
      meta.append(time);
      if (message.edited) meta.append(` · ${words.edited}`);
    } else if (message.state === "failed") {
      item.classList.add("failed");
      const again = element("button", "again", words.again);
      again.type = "button";
      again.addEventListener("click", () => resend(message));
      meta.append(icon("alert"), words.failed, " ", again);
    } else if (message.state === "waiting") {
      item.classList.add("waiting");
      meta.append(icon("clock"), words.waiting);
    } else if (message.state === "sending") {
      meta.append(time, icon("clock"), element("span", "unseen", words.sending));
    } else {
      meta.append(time, icon("check"));
    }
    return meta;
  }

  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });

  function show(message, { quiet = false } = {}) {
    const item = draw(message);
    const old = log.querySelector(`[data-id="${CSS.escape(message.id)}"]`);
    if (old) {
      const focused = old.contains(document.activeElement) ? document.activeElement.dataset.token : null;
      old.replaceWith(item);
      if (focused) item.querySelector(`[data-token="${CSS.escape(focused)}"]`)?.focus();
    } else {
      if (!quiet) item.classList.add("entering");
      log.append(item);
    }
    return item;
  }

  // Messages of one author in a row look like one turn: only the last shows its time.
  function group() {
    let before = null;
    for (const item of log.children) {
      const same = before && before.classList.contains("bot") === item.classList.contains("bot");
      item.classList.toggle("first", !same);
      if (before) before.classList.toggle("last", !same);
      before = item;
    }
    if (before) before.classList.add("last");
    $("topics").hidden = !config.starters.length || state.messages.some((message) => message.author !== "bot");
    $("renew").hidden = !state.messages.some((message) => message.author !== "bot");
  }

  function redraw() {
    log.replaceChildren();
    restore(state.messages, true);
  }

  // What was said before the page was opened is shown without being read aloud.
  function restore(messages, follow) {
    log.setAttribute("aria-live", "off");
    for (const message of messages) show(message, { quiet: true });
    group();
    requestAnimationFrame(() => {
      const asked = state.messages.some((message) => message.author !== "bot");
      if (follow) talk.scrollTop = asked ? talk.scrollHeight : 0;
      log.setAttribute("aria-live", "polite");
    });
  }

  function nearEnd() {
    return talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  }

  // A long answer is read from its beginning, so its first line is what stays in view.
  function reveal(item, follow) {
    if (!follow) {
      $("jump").hidden = false;
      return;
    }
    const room = talk.clientHeight - 32;
    const top = item.offsetTop - talk.offsetTop - 16;
    talk.scrollTo({ top: item.offsetHeight > room ? top : talk.scrollHeight, behavior: "smooth" });
  }

  let toastTimer = 0;
  function toast(text) {
    $("toast").textContent = text;
    $("toast").hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { $("toast").hidden = true; }, 5000);
  }

  let typingTimer = 0;
  function showTyping(on) {
    clearTimeout(typingTimer);
    const follow = nearEnd();
    typing.hidden = !on;
    if (!on) return;
    if (follow) talk.scrollTop = talk.scrollHeight;
    typingTimer = setTimeout(() => showTyping(false), TYPING_SECONDS * 1000);
  }

  // -- sending: one after another, each until the server has it; a repeat carries the same id -------------------------

  function say(text) {
    const message = { id: randomId(), author: "visitor", text, at: Date.now(), state: "sending" };
    state.messages.push(message);
    enqueue({ id: message.id, text });
    const item = show(message);
    group();
    $("jump").hidden = true;
    reveal(item, true);
  }

  function resend(message) {
    message.state = "sending";
    enqueue({ id: message.id, text: message.text });
    show(message);
    group();
  }

  function press(messageId, token, button) {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    markPressed(button);
    const message = state.messages.find((known) => known.id === messageId);
    if (message) message.pressed = token;
    enqueue({ id: randomId(), token, message: messageId });
  }

  function enqueue(item) {
    state.outbox.push(item);
    save();
    flush();
  }

  let sending = false;
  let wakeSender = null;
  async function flush() {
    if (sending) return;
    sending = true;
    let failures = 0;
    while (state.outbox.length) {
      const item = state.outbox[0];
      const session = state.session;
      const status = await post(item, session);
      if (session !== state.session) continue;
      if (status >= 200 && status < 300) {
        failures = 0;
        done(item, "sent");
      } else if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        done(item, "failed");
      } else {
        failures += 1;
        mark(item, "waiting");
        await pause(Math.min(15000, 1000 * 2 ** (failures - 1)) * (0.7 + Math.random() * 0.6));
      }
    }
    sending = false;
  }

  async function post(item, session) {
    const given = { session, lang: language, ...item };
    try {
      const answer = await fetch("messages", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(given),
        signal: AbortSignal.timeout(SEND_SECONDS * 1000),
        credentials: "same-origin",
      });
      return answer.status;
    } catch {
      return 0;
    }
  }

  function pause(milliseconds) {
    return new Promise((resolve) => {
      wakeSender = resolve;
      setTimeout(resolve, milliseconds);
    });
  }

  function done(item, result) {
    state.outbox = state.outbox.filter((other) => other.id !== item.id);
    if (item.token) {
      for (const button of log.querySelectorAll('[aria-busy="true"]')) {
        if (button.dataset.token === item.token) button.removeAttribute("aria-busy");
      }
      if (result === "failed") toast(words.notPressed);
    }
    if (item.start && result === "sent") state.started = true;
    mark(item, result);
    save();
  }

  function mark(item, result) {
    const message = state.messages.find((known) => known.id === item.id);
    if (!message || message.state === result) return;
    message.state = result;
    show(message);
    group();
  }

  // -- following: reconnects by itself and asks for what it missed ------------------------------------------------------

  let source = null;
  let attempts = 0;
  let retryTimer = 0;
  let restTimer = 0;

  function connect() {
    clearTimeout(retryTimer);
    source?.close();
    const query = new URLSearchParams({ session: state.session });
    if (state.last) query.set("after", state.last);
    const own = new EventSource(`events?${query}`);
    source = own;
    own.onmessage = (event) => {
      if (own !== source) return;
      if (event.lastEventId) state.last = event.lastEventId;
      receive(JSON.parse(event.data));
      save();
    };
    own.onopen = () => own === source && connected(true);
    own.onerror = () => {
      if (own !== source) return;
      own.close();
      connected(false);
      const delay = Math.min(15000, 700 * 2 ** Math.min(attempts, 5)) * (0.7 + Math.random() * 0.6);
      attempts += 1;
      retryTimer = setTimeout(connect, delay);
    };
  }

  function connected(yes) {
    if (yes) attempts = 0;
    const lost = !yes && (attempts >= 1 || navigator.onLine === false);
    const name = yes ? "online" : lost ? "offline" : "connecting";
    $("status").dataset.state = name;
    $("status-text").textContent = words[name];
    $("offline").hidden = !lost;
    $("offline").textContent = lost ? words.lost : "";
    if (yes && wakeSender) wakeSender();
    if (!yes) showTyping(false);
  }

  function receive(event) {
    if (event.type === "history") {
      const follow = nearEnd();
      restore(event.messages.map(accept), follow);
      begin();
    } else if (event.type === "message") {
      const follow = nearEnd();
      const known = state.messages.some((message) => message.id === event.id);
      const message = accept(event);
      if (event.author === "bot") showTyping(false);
      const item = show(message);
      group();
      if (!known) reveal(item, follow);
    } else if (event.type === "typing") {
      showTyping(true);
    } else if (event.type === "notice") {
      toast(event.text);
    }
  }

  function accept({ type, ...message }) {
    const place = state.messages.findIndex((known) => known.id === message.id);
    if (place < 0) {
      state.messages.push(message);
      return message;
    }
    const pressed = state.messages[place].pressed;
    state.messages[place] = { ...message, pressed };
    return state.messages[place];
  }

  // A new talk begins with a start, so that the bot can greet; `?start=` carries the payload of a link.
  function begin() {
    const payload = new URLSearchParams(location.search).get("start");
    if (payload && /^[\w-]{1,64}$/.test(payload)) {
      history.replaceState(null, "", location.pathname);
    } else if (state.started || state.messages.length || state.outbox.some((item) => item.start)) {
      return;
    }
    enqueue({ id: randomId(), start: payload || true });
  }

  function renew() {
    state = fresh();
    save();
    takeOver();
    field.focus();
  }

  // Another tab began a new talk: this one follows, or it would write the old one back.
  function followOtherTab(event) {
    if (event.key !== storageKey) return;
    const other = load();
    if (other.session === state.session) return;
    state = other;
    takeOver();
  }

  function takeOver() {
    attempts = 0;
    redraw();
    if (wakeSender) wakeSender();
    connect();
  }

  // -- the rest of the page -----------------------------------------------------------------------------------------------

  function translate() {
    document.documentElement.lang = language;
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = words[node.dataset.word];
    for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", words[node.dataset.label]);
    for (const node of document.querySelectorAll("[data-hint]")) node.placeholder = words[node.dataset.hint];
    $("status-text").textContent = words.connecting;
    $("renew").title = words.renew;
  }

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 168)}px`;
    sendButton.disabled = !field.value.trim();
    const left = config.maxLength - field.value.length;
    $("count").hidden = left > config.maxLength / 10;
    $("count").textContent = `${field.value.length} / ${config.maxLength}`;
  }

  function submit() {
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    fit();
    say(text);
    field.focus();
  }

  function listen() {
    $("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
    field.addEventListener("input", fit);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    for (const question of config.starters) {
      const item = element("li");
      const button = element("button", "starter", question);
      button.type = "button";
      button.addEventListener("click", () => { say(question); field.focus({ preventScroll: true }); });
      item.append(button);
      $("starters").append(item);
    }
    $("jump").addEventListener("click", () => { talk.scrollTo({ top: talk.scrollHeight, behavior: "smooth" }); });
    talk.addEventListener("scroll", () => { if (nearEnd()) $("jump").hidden = true; }, { passive: true });
    $("renew").addEventListener("click", () => { $("ask").returnValue = "no"; $("ask").showModal(); });
    $("ask").addEventListener("close", () => { if ($("ask").returnValue === "yes") renew(); });
    window.addEventListener("online", connect);
    window.addEventListener("storage", followOtherTab);
    window.addEventListener("offline", () => connected(false));
    // A tab that nobody looks at gives its connection back: a browser has only six for one host.
    document.addEventListener("visibilitychange", () => {
      clearTimeout(restTimer);
      if (document.visibilityState === "hidden") {
        restTimer = setTimeout(() => { clearTimeout(retryTimer); source?.close(); source = null; }, 60000);
      } else if (!source) {
        connect();
      }
    });
  }

  translate();
  listen();
  redraw();
  fit();
  connect();
  flush();
  if (matchMedia("(min-width: 760px)").matches) field.focus({ preventScroll: true });
})();
