// The chat as a page of its own: the widget's panel, filling the window.

import { createChat } from "./panel.js";

const place = document.getElementById("chat");
const asked = new URLSearchParams(location.search);
const browser = (navigator.language || "ru").toLowerCase().startsWith("ru") ? "ru" : "en";
const language = ["ru", "en"].includes(asked.get("lang")) ? asked.get("lang") : browser;

document.documentElement.lang = language;
if (["light", "dark"].includes(asked.get("theme"))) place.dataset.theme = asked.get("theme");
const chat = await createChat({
  root: place.attachShadow({ mode: "open" }),
  base: new URL(".", location.href).href,
  config: JSON.parse(place.dataset.chat),
  language,
  full: true,
  tell() {},
});
chat.show();
