// The loader of the chat widget: a button in a corner. The chat itself comes when it is first opened, or when the
// browser has nothing else to do.
(() => {
  "use strict";
  if (window.OptfmChat) return;
  const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');
  const given = script.dataset;
  const base = new URL(".", script.src).href;
  const WORDS = {
    ru: { open: "Открыть чат", close: "Свернуть чат", unread: "непрочитанных: ", unavailable: "Чат сейчас недоступен. Попробуйте позже." },
    en: { open: "Open the chat", close: "Close the chat", unread: "unread: ", unavailable: "The chat isn't available now. Try again later." },
  };
  const known = (tag) => ["ru", "en"].find((language) => (tag || "").toLowerCase().startsWith(language));
  const language = known(given.lang) || known(document.documentElement.lang) || known(navigator.language) || "en";
  const words = WORDS[language];

  // -- colour: whatever is asked for, what stands on it and beside it has to be readable ------------------------------

  const parts = (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const light = (rgb) => rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = (one, other) => (Math.max(light(one), light(other)) + 0.05) / (Math.min(light(one), light(other)) + 0.05);
  const towards = (rgb, end, share) => rgb.map((v) => Math.round(v + (end - v) * share));
  const css = (rgb) => `rgb(${rgb.join(" ")})`;

  // The nearest shade of a colour that can be read on a ground.
  function readable(rgb, ground, end) {
    for (let share = 0; share < 1; share += 0.04) {
      const shade = towards(rgb, end, share);
      if (contrast(shade, ground) >= 5) return shade;
    }
    return [end, end, end];
  }

  function paint(host) {
    if (!given.color) return;
    const short = /^#[0-9a-f]{3}$/i.test(given.color);
    const hex = short ? given.color.replace(/[0-9a-f]/gi, "$&$&") : given.color;
    if (!/^#[0-9a-f]{6}$/i.test(hex)) {
      console.warn(`optfm-chat: data-color is not a colour like #3656d9: ${given.color}`);
      return;
    }
    const rgb = parts(hex);
    const white = contrast(rgb, [255, 255, 255]) >= 4.5;
    const tokens = {
      "--chat-accent": css(rgb),
      "--chat-on-accent": white ? "#fff" : "#000",
      "--chat-hover": css(towards(rgb, white ? 0 : 255, 0.14)),
      "--chat-link-light": css(readable(rgb, [242, 243, 247], 0)),
      "--chat-link-dark": css(readable(rgb, [32, 34, 42], 255)),
    };
    for (const [name, value] of Object.entries(tokens)) host.style.setProperty(name, value);
  }

  // -- the button -----------------------------------------------------------------------------------------------------

  const STYLE = `
    :host { all: initial !important; color-scheme: inherit !important; }
    :host([data-theme="light"]) { color-scheme: light !important; }
    :host([data-theme="dark"]) { color-scheme: dark !important; }
    @media print { :host { display: none !important; } }
    .launcher { position: fixed; right: max(20px, env(safe-area-inset-right)); bottom: max(20px, env(safe-area-inset-bottom)); z-index: 2147483000; display: grid; place-items: center; width: 56px; height: 56px; padding: 0; border: 0; border-radius: 50%; background: var(--chat-accent, #3656d9); color: var(--chat-on-accent, #fff); box-shadow: 0 1px 3px rgb(20 24 40 / 16%), 0 8px 24px rgb(20 24 40 / 20%); cursor: pointer; transition: transform .15s, background-color .15s; -webkit-tap-highlight-color: transparent; }
    :host([data-position="left"]) .launcher, :host([data-position="left"]) .told { right: auto; left: max(20px, env(safe-area-inset-left)); }
    .launcher:hover { background: var(--chat-hover, #2a47bd); transform: scale(1.04); }
    .launcher:focus-visible { outline: 2px solid light-dark(#16181d, #f0f1f4); outline-offset: 3px; }
    .launcher svg { grid-area: 1 / 1; width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; transition: opacity .15s, transform .15s; }
    .launcher[aria-expanded="true"] .hail, .launcher[aria-expanded="false"] .fold { opacity: 0; transform: scale(.6) rotate(-30deg); }
    .launcher[aria-busy="true"] { cursor: progress; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 20px; height: 20px; padding: 0 6px; box-sizing: border-box; border: 2px solid light-dark(#fff, #15161b); border-radius: 12px; background: #c4271b; color: #fff; font: 600 12px/16px system-ui, sans-serif; }
    .told { position: fixed; right: max(20px, env(safe-area-inset-right)); bottom: 88px; z-index: 2147483000; box-sizing: border-box; max-width: min(300px, calc(100vw - 40px)); margin: 0; padding: 10px 14px; border-radius: 12px; background: light-dark(#16181d, #f0f1f4); color: light-dark(#fff, #16181d); font: 14px/1.4 system-ui, sans-serif; }
    [hidden] { display: none !important; }
    @media (max-width: 480px) { .launcher[aria-expanded="true"] { display: none; } }
    @media (prefers-reduced-motion: reduce) { .launcher, .launcher svg { transition: none; transform: none; } }
    @media (forced-colors: active) { .launcher, .badge { border: 1px solid; } }`;

  const host = document.createElement("optfm-chat");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  host.dataset.position = given.position === "left" ? "left" : "right";
  if (["light", "dark"].includes(given.theme)) host.dataset.theme = given.theme;
  host.lang = language;
  paint(host);

  function drawing(className, line) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", className);
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", line);
    svg.append(path);
    return svg;
  }

  const launcher = document.createElement("button");
  const badge = document.createElement("span");
  const told = document.createElement("p");
  launcher.type = "button";
  launcher.className = "launcher";
  badge.className = "badge";
  badge.setAttribute("aria-hidden", "true");
  told.className = "told";
  told.setAttribute("role", "status");
  told.hidden = true;
  launcher.append(drawing("hail", "M20.5 11.5a8.5 7.5 0 0 1-12.3 6.7L3.5 19.5l1.5-4a7.2 7.2 0 0 1-1.5-4 8.5 7.5 0 0 1 17 0zM8.5 11.5h.01M12 11.5h.01M15.5 11.5h.01"), drawing("fold", "M6 9.5l6 6 6-6"), badge);
  root.append(launcher, told);

  function label(open, unread) {
    launcher.setAttribute("aria-expanded", String(open));
    launcher.setAttribute("aria-label", (open ? words.close : words.open) + (unread ? `, ${words.unread}${unread}` : ""));
    badge.hidden = !unread;
    badge.textContent = unread > 9 ? "9+" : unread;
  }

  // -- the chat -------------------------------------------------------------------------------------------------------

  const listeners = {};
  let chat = null;
  let loading = null;
  let open = false;

  function tell(event, detail) {
    if (event === "open" || event === "close") open = event === "open";
    label(open, event === "unread" ? detail : chat ? chat.unreadTold : 0);
    if (event === "close") launcher.focus({ preventScroll: true });
    for (const listener of listeners[event] || []) listener(detail);
  }

  function load() {
    loading ??= import(`${base}static/{{version}}/panel.js`)
      .then(({ createChat }) => createChat({ root, base, language, title: given.title, greeting: given.greeting, full: false, tell }))
      .then((made) => {
        chat = made;
        launcher.setAttribute("aria-controls", "panel");
        if (chat.hasTalk) chat.follow();
        tell("ready");
        return chat;
      });
    // What could not be loaded now is asked for again at the next click.
    loading.catch(() => { loading = null; });
    return loading;
  }

  let toldTimer = 0;
  async function show() {
    launcher.setAttribute("aria-busy", "true");
    told.hidden = true;
    try {
      (chat || (await load())).show();
    } catch {
      told.textContent = words.unavailable;
      told.hidden = false;
      clearTimeout(toldTimer);
      toldTimer = setTimeout(() => { told.hidden = true; }, 6000);
    } finally {
      launcher.removeAttribute("aria-busy");
    }
  }

  const api = {
    open: () => { if (!open) show(); },
    close: () => { if (open) chat.hide(); },
    toggle: () => (open ? api.close() : api.open()),
    on(event, listener) {
      (listeners[event] ||= new Set()).add(listener);
      return () => listeners[event].delete(listener);
    },
  };
  Object.defineProperty(window, "OptfmChat", { value: Object.freeze(api) });

  launcher.addEventListener("click", api.toggle);
  label(false, 0);
  // Without `defer` the script may run before there is a body.
  const place = () => document.body.append(host);
  if (document.body) place();
  else document.addEventListener("DOMContentLoaded", place);
  const idle = window.requestIdleCallback || ((then) => setTimeout(then, 2000));
  const settle = () => idle(() => load().catch(() => {}), { timeout: 5000 });
  if (document.readyState === "complete") settle();
  else window.addEventListener("load", settle);
})();
