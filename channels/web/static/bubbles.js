// Drawing: elements are made one by one, and text is only ever put in as text.

import { filled } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  bot: "M7.5 9h9A3.5 3.5 0 0 1 20 12.5v4a3.5 3.5 0 0 1-3.5 3.5h-9A3.5 3.5 0 0 1 4 16.5v-4A3.5 3.5 0 0 1 7.5 9zM12 9V5.5M12 4.5h.01M1.8 13.5V16M22.2 13.5V16M9 13.5v1.6M15 13.5v1.6",
  renew: "M12 20H6.5A2.5 2.5 0 0 1 4 17.5V7a2.5 2.5 0 0 1 2.5-2.5H13M18.4 3.8a1.9 1.9 0 0 1 2.7 2.7L13.5 14 10 14.8l.8-3.5z",
  close: "M6 6l12 12M18 6 6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  send: "M12 19.5v-15M5.5 11 12 4.5l6.5 6.5",
  clip: "M19.5 11.5l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.6 1.6 0 0 1-2.2-2.2l7.2-7.2",
  file: "M13.5 3.5H7A1.5 1.5 0 0 0 5.5 5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5zM13.5 3.5v5h5",
  clock: "M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 8v5M12 16.3h.01M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z",
  out: "M8 16 17 7M9.5 7H17v7.5",
};
const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "role") made[name] = value;
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const unseen = (text) => make("span", { className: "unseen" }, text);

function safeAddress(text) {
  try {
    const url = new URL(text);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function outward(link, address) {
  link.href = address;
  if (!address.startsWith("http")) return link;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  return link;
}

// -- the little HTML of the server: exactly the tags that its writer makes; everything else stays text -------------------

const TOKEN = /<(\/?)(p|b|i|code|a|ul|ol|li|blockquote|br)(?: (href|start)="([^"<>]*)")?>/g;
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'" };
const plain = (text) => text.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity]);

function fill(target, html, words) {
  const open = [target];
  let from = 0;
  for (const found of html.matchAll(TOKEN)) {
    const [whole, closing, tag, attribute, value] = found;
    const inner = open.at(-1);
    words(inner, plain(html.slice(from, found.index)));
    from = found.index + whole.length;
    if (tag === "br") {
      inner.append(make("br"));
    } else if (!closing) {
      const made = element(tag, attribute, plain(value ?? ""));
      inner.append(made);
      open.push(made);
    } else if (open.length > 1) {
      open.pop();
    }
  }
  words(open.at(-1), plain(html.slice(from)));
}

function element(tag, attribute, value) {
  if (tag === "a") {
    const address = attribute === "href" && safeAddress(value);
    return address ? outward(make("a"), address) : make("span");
  }
  const made = make(tag);
  if (attribute === "start") made.start = Number.parseInt(value, 10) || 1;
  return made;
}

// -- messages ----------------------------------------------------------------------------------------------------------------

export class Bubbles {
  // `does` has what can be done from a message: say(text), press(message, choice), retry(id), save(file).
  constructor(language, words, commands, does) {
    this.words = words;
    this.commands = commands;
    this.does = does;
    this.clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  }

  draw(message, pressed) {
    const mine = message.author === "visitor";
    const bubble = make("div", { className: "bubble" });
    if (message.file) bubble.append(this.file(message));
    else if (mine) bubble.textContent = message.text;
    else fill(bubble, message.html || "", (into, text) => this.append(into, text));
    const who = mine ? this.words.me : this.words[message.author] ?? this.words.bot;
    const item = make("div", { className: `message ${mine ? "mine" : "bot"} ${mine ? message.state : ""}` }, unseen(who), bubble);
    const rows = (message.buttons ?? []).filter((row) => row.length);
    if (rows.length) {
      item.classList.add("has-buttons");
      item.append(make("div", { className: "buttons" }, ...rows.map((row) => this.row(message, row, pressed))));
    }
    item.append(this.meta(message, mine));
    return item;
  }

  append(into, text) {
    if (into.closest("a, code")) return into.append(text);
    for (const part of text.split(/(?<![\w/])(\/[a-z_]{2,32})(?![\w/])/)) {
      if (part.startsWith("/") && this.commands.includes(part.slice(1))) {
        into.append(make("button", { type: "button", className: "command", onclick: () => this.does.say(part) }, part));
      } else if (part) {
        into.append(part);
      }
    }
  }

  row(message, row, pressed) {
    return make("div", { className: "row" }, ...row.map((choice) => (choice.url ? this.link(choice) : this.choice(message, choice, pressed))));
  }

  link(choice) {
    const address = safeAddress(choice.url);
    if (!address) return null;
    const link = outward(make("a", { className: "choice" }, choice.label), address);
    if (link.target) link.append(icon("out"), unseen(`, ${this.words.opens}`));
    return link;
  }

  choice(message, choice, pressed) {
    const className = choice.token === pressed ? "choice pressed" : "choice";
    const onclick = () => this.does.press(message, choice);
    const button = make("button", { type: "button", className, onclick }, choice.label);
    button.dataset.token = choice.token;
    return button;
  }

  file(message) {
    const { title, size, name } = message.file;
    const shown = [make("b", {}, title || name), make("span", {}, this.size(size))];
    const inside = [icon("file"), make("span", { className: "about" }, ...shown)];
    if (!name) return make("span", { className: "file" }, ...inside);
    const label = filled(this.words.download, { name: title || name });
    return make("button", { type: "button", className: "file", "aria-label": label, onclick: () => this.does.save(message.file) }, ...inside);
  }

  size(bytes) {
    const big = bytes >= 1e6;
    const number = new Intl.NumberFormat(this.clock.resolvedOptions().locale, { maximumFractionDigits: big ? 1 : 0 });
    return `${number.format(big ? bytes / 1e6 : Math.max(1, bytes / 1e3))} ${big ? this.words.mb : this.words.kb}`;
  }

  meta(message, mine) {
    const time = make("time", { dateTime: new Date(message.at).toISOString() }, this.clock.format(message.at));
    const parts = {
      failed: () => [icon("alert"), message.reason || this.words.failed, " ", this.again(message)],
      waiting: () => [icon("clock"), this.words.waiting],
      sending: () => [time, icon("clock"), unseen(this.words.sending)],
    }[mine ? message.state : ""];
    const told = mine ? [time, icon("check")] : [message.author === "agent" ? `${this.words.agentName} · ` : null, time, message.edited ? ` · ${this.words.edited}` : null];
    return make("div", { className: "meta" }, ...(parts ? parts() : told));
  }

  again(message) {
    return make("button", { type: "button", className: "again", onclick: () => this.does.retry(message.id) }, this.words.again);
  }
}
