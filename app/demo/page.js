// The demo's page. The server sends the whole state on each change; the parts draw it.
import {
  bringDraft, drawDown, drawPhone, forgetChat, grow, inChat, keepDraft, openChat, openList, resized, toTheEnd,
} from "./page_chat.js";
import { drawPanel, moveClock } from "./page_panel.js";
import { $, all, at, keep, once, part, post, remember, say } from "./page_tools.js";

let source = null;
let polling = null;
let offlineTimer = null;

// --- the server

function query() {
  const asked = new URLSearchParams({ lang: at.lang });
  if (at.phone) asked.set("phone", at.phone);
  return asked;
}

function listen() {
  if (source) source.close();
  clearInterval(polling);
  if (!window.EventSource) { poll(); return; }
  const mine = new EventSource(`/demo/events?${query()}`);
  source = mine;
  mine.onmessage = (event) => { if (mine === source) show(JSON.parse(event.data)); };
  mine.onopen = () => { if (mine === source) online(); };
  mine.onerror = () => {
    if (mine !== source) return;
    offlineSoon();
    if (mine.readyState === EventSource.CLOSED) poll();
  };
}

function poll() {
  clearInterval(polling);
  const ask = async () => {
    try {
      const answer = await fetch(`/demo/state?${query()}`);
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
    } catch { offlineSoon(); }
  };
  polling = setInterval(ask, 1000);
  ask();
}

function online() {
  clearTimeout(offlineTimer);
  offlineTimer = null;
  $("offline").hidden = true;
}

function offlineSoon() {
  offlineTimer ??= setTimeout(() => { $("offline").hidden = false; }, 3000);
}

// --- drawing

function show(next) {
  online();
  if (at.phone && next.selected !== at.phone) {
    if (next.buyers.some((buyer) => buyer.phone === at.phone)) return; // asked before another was chosen
    at.phone = next.selected; // of an earlier run of the demo
    listen();
  }
  at.state = next;
  at.phone = next.selected;
  keep("phone", at.phone);
  part("labels", null, drawLabels);
  drawPanel();
  drawPhone(select);
  markRead();
}

function drawLabels() {
  document.documentElement.lang = at.lang;
  for (const each of all("[data-t]")) each.textContent = say(each.dataset.t);
  for (const each of all("[data-t-label]")) each.setAttribute("aria-label", say(each.dataset.tLabel));
  for (const each of all("[data-t-title]")) each.title = say(each.dataset.tTitle);
  for (const each of all("[data-t-placeholder]")) each.placeholder = say(each.dataset.tPlaceholder);
  for (const each of all("[data-lang]")) each.setAttribute("aria-pressed", String(each.dataset.lang === at.lang));
}

// --- what the visitor does

function select(next) {
  keepDraft();
  at.phone = next;
  openChat();
  bringDraft();
  $("text").focus({ preventScroll: true });
  listen();
}

let reading = false;
async function markRead() {
  if (reading || document.hidden || !inChat() || !at.state?.chat.unread) return;
  reading = true;
  await post("reads", { phone: at.phone });
  reading = false;
}

function onSubmit(id, act) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    if (at.phone) act();
  });
}

async function sendFrom(input, path) {
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  grow();
  if (await post(path, { phone: at.phone, text })) return;
  input.value ||= text;
  grow();
}

onSubmit("order", async () => {
  if (await once($("place"), "orders", { phone: at.phone, sku: $("product").value })) bringPhone();
});
onSubmit("write", () => sendFrom($("text"), "messages"));
onSubmit("owner", () => sendFrom($("owner-text"), "owner"));

$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("write").requestSubmit();
});
$("back").addEventListener("click", openList);
$("chat").addEventListener("scroll", drawDown, { passive: true });
new ResizeObserver(resized).observe($("chat"));
$("down").addEventListener("click", () => { toTheEnd(); $("text").focus({ preventScroll: true }); });
$("screen-chat").addEventListener("keydown", (event) => { if (event.key === "Escape") openList(); });

for (const press of all("[data-new-buyer]")) {
  press.addEventListener("click", async () => {
    const buyer = await once(press, "buyers", {});
    if (buyer) select(buyer.phone);
  });
}
for (const press of all("[data-switch]")) {
  press.addEventListener("click", () => {
    const on = press.getAttribute("aria-checked") !== "true";
    once(press, "switches", { [press.dataset.switch]: on });
  });
}
for (const press of [...all(".moves [data-hours]"), $("hint-move")]) {
  press.addEventListener("click", async () => { if (await moveClock(press)) bringPhone(); });
}
for (const press of all("[data-lang]")) {
  press.addEventListener("click", () => {
    at.lang = press.dataset.lang;
    remember("lang", at.lang);
    forgetChat();
    drawLabels();
    listen();
    if ($("desk").getAttribute("src")) enterDesk(deskAt());
  });
}

// --- the desk: beside the phone on a wide screen, under a tab on a narrow one

const wide = window.matchMedia("(min-width: 1200px)");
const tabs = [$("tab-phone"), $("tab-desk")];
const places = new Map(); // how far each of the two was scrolled
let letIn = 0;
let deskLang = "ru"; // in which the page itself was let in

function openTab(tab) {
  const left = tabs.find((each) => each.getAttribute("aria-selected") === "true");
  places.set(left, window.scrollY);
  for (const each of tabs) {
    const open = each === tab;
    each.setAttribute("aria-selected", String(open));
    each.tabIndex = open ? 0 : -1;
    $(each.getAttribute("aria-controls")).classList.toggle("away", !open);
  }
  layOut();
  markRead();
  // The desk fills the screen under the tabs; the phone is where it was.
  if (!wide.matches && left !== tab) window.scrollTo(0, places.get(tab) ?? document.querySelector(".top").offsetHeight);
}

function layOut() {
  for (const tab of tabs) {
    const panel = $(tab.getAttribute("aria-controls"));
    if (!wide.matches) {
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
    } else {
      panel.removeAttribute("role");
      if (panel === $("panel-desk")) panel.setAttribute("aria-labelledby", "desk-title");
      else panel.removeAttribute("aria-labelledby");
    }
  }
  const deskShown = wide.matches || !$("panel-desk").classList.contains("away");
  if (deskShown && !$("desk").getAttribute("src")) enterDesk();
}

async function enterDesk(page = "/desk") {
  $("desk").src = "about:blank";
  if (deskLang !== at.lang && (await post("desk", {}))) deskLang = at.lang;
  $("desk").src = page;
}

// The desk's page that is open, or that was asked for when the login had ended.
function deskAt() {
  try {
    const { pathname, search } = $("desk").contentWindow.location;
    const page = atLogin(pathname) ? new URLSearchParams(search).get("next") : pathname + search;
    return page?.startsWith("/desk/") ? page : "/desk";
  } catch { return "/desk"; }
}

function atLogin(path) { return path.startsWith("/desk/login"); }

// On a narrow screen what was done shows in the phone, further up or down.
function bringPhone() {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!window.matchMedia("(max-width: 719px)").matches) return;
  document.querySelector(".phone").scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

function sawWhy(event) {
  if (!event.target.open || !event.target.matches("details.why")) return;
  at.sawWhy = true;
  keep("why", "seen");
  if (at.state) drawPanel();
}

// Nobody logs in here: who came by a way on which no login was given gets one from the page itself.
$("desk").addEventListener("load", async () => {
  let path = "";
  try { path = $("desk").contentWindow.location.pathname; } catch { return; }
  if (atLogin(path) && Date.now() - letIn > 5000) {
    const page = deskAt();
    letIn = Date.now();
    if (await post("desk", {})) enterDesk(page);
  }
  // Swapped parts of the desk's page are new elements: the page itself is listened to.
  $("desk").contentDocument.addEventListener("toggle", sawWhy, { capture: true });
});

for (const tab of tabs) {
  tab.addEventListener("click", () => openTab(tab));
  tab.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const next = tabs[tab === tabs[0] ? 1 : 0];
    next.focus();
    openTab(next);
  });
}
$("show-desk").addEventListener("click", () => {
  if (!wide.matches) {
    openTab($("tab-desk"));
    $("tab-desk").focus();
    return;
  }
  $("desk").focus();
  $("panel-desk").classList.add("look");
  setTimeout(() => $("panel-desk").classList.remove("look"), 1500);
});
wide.addEventListener("change", layOut);
document.addEventListener("visibilitychange", markRead);

drawLabels();
openTab($("tab-phone"));
listen();
