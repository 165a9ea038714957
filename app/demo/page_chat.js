// The phone: the list of chats, one chat, what is written.
import { $, announce, arrange, at, button, make, part, post, say } from "./page_tools.js";

const NEAR_THE_END = 90;
const drafts = new Map();
let nodes = new Map();
let shownPhone = null;
let unreadBefore = 0;
let below = 0; // how many have come further down than is looked at
let atEnd = true;

// --- which of the two screens

export function inChat() {
  return !$("screen-chat").hidden && $("screen-chat").getClientRects().length > 0;
}

export function openList() {
  keepDraft();
  $("screen-chat").hidden = true;
  $("screen-list").hidden = false;
  const mine = [...$("people").querySelectorAll("button")];
  (mine.find((each) => each.getAttribute("aria-current")) || mine[0])?.focus();
}

export function openChat() {
  $("screen-list").hidden = true;
  $("screen-chat").hidden = false;
  toTheEnd();
}

export function toTheEnd() {
  $("chat").scrollTop = $("chat").scrollHeight;
  drawDown();
}

export function keepDraft() {
  if (at.phone) drafts.set(at.phone, $("text").value);
}

export function bringDraft() {
  $("text").value = drafts.get(at.phone) || "";
  grow();
}

export function grow() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight + 2, 130)}px`;
}

// --- drawing

export function drawPhone(select) {
  const { state } = at;
  part("people", [state.buyers, at.phone], () => drawPeople(select));
  const top = [state.shop, state.chat.name, state.chat.typing, state.switches.waha_down];
  part("top", top, drawTop);
  const awaited = state.orders.some((order) => !order.by_buyer);
  part("chat", [state.chat, awaited], () => drawChat(awaited));
  part("quick", state.steps.stop, drawQuick);
}

function initials(name) { return name.split(" ").map((word) => word[0]).slice(0, 2).join(""); }

function drawPeople(select) {
  arrange($("people"), at.state.buyers.map((buyer) => {
    const row = make("li");
    const open = button("", () => select(buyer.phone), "person");
    open.dataset.key = `buyer-${buyer.phone}`;
    if (buyer.phone === at.phone) open.setAttribute("aria-current", "true");
    const face = make("span", "face", initials(buyer.name));
    face.setAttribute("aria-hidden", "true");
    const text = make("span", "lines");
    text.append(make("b", "", buyer.name), make("span", buyer.typing ? "last typing-now" : "last", lastOf(buyer)));
    const side = make("span", "side");
    if (buyer.last) side.append(make("span", "when", whenOf(buyer.last)));
    if (buyer.unread) side.append(badge(buyer.unread));
    open.append(face, text, side);
    row.append(open);
    return row;
  }));
  tellUnread();
}

function lastOf(buyer) {
  if (buyer.typing) return say("typing");
  if (!buyer.last) return say("silent");
  return buyer.last.author === "buyer" ? `${say("mine")} ${buyer.last.text}` : buyer.last.text;
}

function whenOf(line) { return line.day === say("today") ? line.at : line.day; }

function badge(count) {
  const element = make("span", "badge", String(count));
  element.setAttribute("aria-label", `${count} ${say("unread")}`);
  element.setAttribute("role", "img");
  return element;
}

// Messages in a chat that is not looked at: the badge at «back», and a word for who does not see it.
function tellUnread() {
  const seen = inChat() ? at.phone : null;
  const others = at.state.buyers.filter((buyer) => buyer.unread && buyer.phone !== seen);
  const unread = others.reduce((sum, buyer) => sum + buyer.unread, 0);
  $("back-badge").hidden = !unread;
  $("back-badge").textContent = String(unread);
  if (unread > unreadBefore) announce(`${say("news")} ${others.map((buyer) => buyer.name).join(", ")}`);
  unreadBefore = unread;
}

function drawTop() {
  $("chat-title").textContent = at.state.shop;
  $("whose").textContent = at.state.chat.name;
  const presence = at.state.chat.typing ? "typing" : "online";
  $("presence").textContent = say(at.state.switches.waha_down ? "away" : presence);
}

function drawChat(awaited) {
  const chat = $("chat");
  const { lines, typing } = at.state.chat;
  const fresh = shownPhone !== at.phone;
  if (fresh) { nodes = new Map(); shownPhone = at.phone; }
  const stays = !fresh && !nearTheEnd();
  const wrote = lines.length > 0 && !nodes.has(lines.at(-1).id) && lines.at(-1).author === "buyer";
  const come = lines.filter((line) => !nodes.has(line.id)).length;
  const wanted = [];
  let day = null;
  for (const line of lines) {
    if (line.day !== day) wanted.push(dayOf(line));
    day = line.day;
    wanted.push(bubbleOf(line));
  }
  if (!lines.length) wanted.push(make("p", "empty", say(awaited ? "soon" : "empty")));
  if (typing) wanted.push(typingNow());
  arrange(chat, wanted);
  if (stays && !wrote) {
    below += come;
    drawDown();
  } else toTheEnd();
}

function nearTheEnd() {
  const chat = $("chat");
  return chat.scrollHeight - chat.scrollTop - chat.clientHeight < NEAR_THE_END;
}

export function drawDown() {
  atEnd = nearTheEnd();
  if (atEnd) below = 0;
  $("down").hidden = atEnd;
  $("down-badge").hidden = !below;
  $("down-badge").textContent = String(below);
}

function dayOf(line) {
  const key = `day-${line.id}`;
  const element = nodes.get(key) || make("p", "day");
  nodes.set(key, element);
  if (element.textContent !== line.day) element.textContent = line.day;
  return element;
}

function bubbleOf(line) {
  const known = nodes.get(line.id);
  const element = known || bubble(line);
  nodes.set(line.id, element);
  const ticks = element.querySelector(".ticks");
  if (ticks && ticks.dataset.tick !== line.tick) {
    ticks.dataset.tick = line.tick;
    ticks.textContent = line.tick === "sent" ? "✓" : "✓✓";
    ticks.setAttribute("aria-label", say("ticks")[line.tick]);
    ticks.title = say("ticks")[line.tick];
  }
  return element;
}

function bubble(line) {
  const mine = line.author === "buyer";
  const element = make("div", `bubble ${mine ? "buyer" : "shop"}`);
  element.dataset.author = line.author;
  if (line.author === "owner") element.append(make("span", "by", say("by_owner")));
  element.append(make("span", "said", line.text));
  const meta = make("span", "meta");
  meta.append(make("time", "", line.at));
  if (mine) {
    const ticks = make("span", "ticks");
    ticks.setAttribute("role", "img");
    meta.append(ticks);
  }
  element.append(meta);
  return element;
}

function typingNow() {
  const element = nodes.get("typing") || make("div", "typing");
  if (!nodes.has("typing")) {
    element.setAttribute("aria-hidden", "true");
    element.append(make("i"), make("i"), make("i"));
    nodes.set("typing", element);
  }
  return element;
}

function drawQuick() {
  const last = at.state.steps.stop ? "start_again" : "stop";
  const phrase = (text, className) => button(text, () => post("messages", { phone: at.phone, text }), className);
  const [first, ...others] = say("phrases").map((text) => phrase(text));
  $("quick").replaceChildren(first, phrase(say(last), "stop"), ...others);
  $("quick").scrollLeft = 0;
}

// Who was at the end stays there when the chat gets lower: a longer text, a keyboard.
export function resized() {
  if (!inChat()) return;
  if (atEnd) toTheEnd();
  else drawDown();
}

export function forgetChat() { shownPhone = null; }
