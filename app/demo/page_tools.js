// What all parts of the page use: what is being looked at, words, elements, the server.
// Texts of people and of the bot are only ever put in as text, never as markup.
import { WORDS } from "./page_words.js";

export const at = {
  lang: remembered("lang") === "kk" ? "kk" : "ru",
  phone: visited("phone"),
  sawWhy: visited("why") !== null,
  state: null,
};

export const $ = (id) => document.getElementById(id);
export const all = (selector) => document.querySelectorAll(selector);

export function remembered(name) {
  try { return localStorage.getItem(`ai-seller-demo-${name}`); } catch { return null; }
}

export function remember(name, value) {
  try { localStorage.setItem(`ai-seller-demo-${name}`, value); } catch { /* private mode */ }
}

// For as long as the tab is open: a reload goes on where it was.
function visited(name) {
  try { return sessionStorage.getItem(`ai-seller-demo-${name}`); } catch { return null; }
}

export function keep(name, value) {
  try { sessionStorage.setItem(`ai-seller-demo-${name}`, value); } catch { /* private mode */ }
}

export function say(key) { return WORDS[at.lang][key]; }

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function button(text, act, className) {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", () => act(element));
  return element;
}

export function price(amount) {
  return `${Math.round(amount).toLocaleString("ru-RU")} ₸`;
}

// Puts the children in place without touching those that are there already: what is read aloud,
// focused or scrolled stays so.
export function arrange(parent, children) {
  children.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] || null);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

// --- drawing: a part is drawn anew only when what it shows has changed

const drawn = new Map();

export function part(name, shown, draw) {
  const seen = JSON.stringify([at.lang, shown]);
  if (drawn.get(name) === seen) return;
  drawn.set(name, seen);
  const focused = document.activeElement?.dataset?.key;
  draw();
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// --- the server

export async function post(path, body) {
  let status = 0;
  try {
    const answer = await fetch(`/demo/${path}?lang=${at.lang}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    status = answer.status;
    if (answer.ok) return await answer.json();
  } catch { /* it is told below */ }
  const errors = say("errors");
  toast(errors[`http_${status}`] || errors.other);
  return null;
}

// A button that waits for its answer is not pressed twice; it stays where the keyboard is.
export async function once(pressed, path, body) {
  if (pressed.getAttribute("aria-busy") === "true") return null;
  pressed.setAttribute("aria-busy", "true");
  const told = await post(path, body);
  pressed.removeAttribute("aria-busy");
  return told;
}

let toastTimer = null;

export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

export function announce(text) { $("announce").textContent = text; }
