// The demo's page. The server sends the whole state on each change; this draws it.
// Texts of people and of the bot are only ever put in as text, never as markup.
"use strict";

const WORDS = {
  ru: {
    demo: "демо",
    about: "Бот пишет покупателям Kaspi в WhatsApp. Здесь вы — покупатель: всё вокруг бота выдумано, а сам он настоящий.",
    offline: "Нет связи с ai-seller. Он остановлен? Страница сама продолжит, когда он вернётся.",
    start: "Попробуйте за минуту",
    step1: "Сделайте заказ", step1_more: "кнопкой ниже",
    step2: "Бот напишет сам", step2_more: "по имени и о товаре",
    step3: "Спросите его", step3_more: "о цене, о доставке",
    step4: "Напишите «стоп»", step4_more: "и он замолчит",
    buyer: "Покупатель", new_buyer: "Новый покупатель", product: "Товар", order: "Сделать заказ",
    whose: "Телефон покупателя", message: "Сообщение", send: "Отправить", quick: "Готовые фразы",
    orders: "Заказы этого покупателя", why: "Почему бот так решил", seller: "Вмешайтесь",
    owner: "Ответить с телефона продавца", owner_example: "Здравствуйте, это продавец…",
    model_down: "Выключить модель", model_down_more: "бот напишет готовым текстом",
    waha_down: "Выключить WhatsApp (WAHA)", waha_down_more: "сообщения подождут и не потеряются",
    deliver: "Доставлено", no_orders: "Заказов пока нет.", online: "на связи", typing: "печатает…",
    away: "WhatsApp выключен", empty: "Здесь появится сообщение магазина, как только вы сделаете заказ.",
    by_owner: "продавец", no_why: "Здесь бот объяснит каждое своё решение: что отправил, что нет и почему.",
    why_down: "Журнал сейчас недоступен.", waits: "ещё не доставлено", failed: "Не получилось",
    stages: { paid: "оплачен", on_its_way: "у курьера", delivered: "доставлен", cancelled: "отменён" },
    phrases: ["Где мой заказ?", "Сколько стоит?", "Пришло с браком", "Позовите человека", "Тапсырыс қайда?"],
    stop: "стоп", start_again: "старт",
  },
  kk: {
    demo: "демо",
    about: "Бот Kaspi сатып алушыларына WhatsApp-та жазады. Мұнда сіз — сатып алушысыз: бот төңірегінің бәрі ойдан алынған, ал боттың өзі нағыз.",
    offline: "ai-seller-мен байланыс жоқ. Ол тоқтатылды ма? Қайта қосылғанда бет өзі жалғастырады.",
    start: "Бір минутта байқап көріңіз",
    step1: "Тапсырыс беріңіз", step1_more: "төмендегі батырмамен",
    step2: "Бот өзі жазады", step2_more: "атыңызбен, тауар туралы",
    step3: "Одан сұраңыз", step3_more: "бағасын, жеткізуін",
    step4: "«Тоқта» деп жазыңыз", step4_more: "сонда ол үндемейді",
    buyer: "Сатып алушы", new_buyer: "Жаңа сатып алушы", product: "Тауар", order: "Тапсырыс беру",
    whose: "Сатып алушының телефоны", message: "Хабарлама", send: "Жіберу", quick: "Дайын сөйлемдер",
    orders: "Осы сатып алушының тапсырыстары", why: "Бот неге бұлай шешті", seller: "Араласып көріңіз",
    owner: "Сатушының телефонынан жауап беру", owner_example: "Сәлеметсіз бе, бұл сатушы…",
    model_down: "Модельді өшіру", model_down_more: "бот дайын мәтінмен жазады",
    waha_down: "WhatsApp-ты (WAHA) өшіру", waha_down_more: "хабарламалар күтеді, жоғалмайды",
    deliver: "Жеткізілді", no_orders: "Әзірге тапсырыс жоқ.", online: "желіде", typing: "жазып жатыр…",
    away: "WhatsApp өшірулі", empty: "Тапсырыс берсеңіз, дүкеннің хабарламасы осында шығады.",
    by_owner: "сатушы", no_why: "Мұнда бот әр шешімін түсіндіреді: не жіберді, не жібермеді және неге.",
    why_down: "Журнал қазір қолжетімсіз.", waits: "әлі жеткізілген жоқ", failed: "Болмады",
    stages: { paid: "төленді", on_its_way: "курьерде", delivered: "жеткізілді", cancelled: "тоқтатылды" },
    phrases: ["Тапсырысым қайда?", "Бағасы қанша?", "Сынып келді", "Адамға қосыңыз", "Рахмет!"],
    stop: "тоқта", start_again: "старт",
  },
};

const $ = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);

let lang = remembered("lang") === "kk" ? "kk" : "ru";
let phone = null;
let state = null;
let source = null;
let polling = null;
let offlineTimer = null;
const drawn = new Map();

function remembered(name) {
  try { return localStorage.getItem(`ai-seller-demo-${name}`); } catch { return null; }
}

function remember(name, value) {
  try { localStorage.setItem(`ai-seller-demo-${name}`, value); } catch { /* private mode */ }
}

function say(key) { return WORDS[lang][key]; }

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// --- the server

function query() {
  const asked = new URLSearchParams({ lang });
  if (phone) asked.set("phone", phone);
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

async function post(path, body) {
  try {
    const answer = await fetch(`/demo/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error || String(answer.status));
    return told;
  } catch (error) {
    toast(`${say("failed")}: ${error.message}`);
    return null;
  }
}

let toastTimer = null;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 5000);
}

// --- drawing: a part is drawn anew only when what it shows has changed

function part(name, shown, draw) {
  const seen = JSON.stringify([lang, shown]);
  if (drawn.get(name) === seen) return;
  drawn.set(name, seen);
  const focused = document.activeElement?.dataset?.key;
  draw();
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function show(next) {
  if (phone && next.selected !== phone) { select(next.selected); return; }
  online();
  state = next;
  phone = next.selected;
  part("labels", null, drawLabels);
  part("products", state.products, drawProducts);
  part("buyers", [state.buyers, phone], drawBuyers);
  part("steps", state.steps, drawSteps);
  part("hint", state.hint, drawHint);
  part("top", [state.shop, state.chat.name, state.chat.typing, state.switches.waha_down], drawTop);
  part("chat", state.chat, drawChat);
  part("orders", state.orders, drawOrders);
  part("why", state.why, drawWhy);
  part("switches", state.switches, drawSwitches);
  markRead();
}

function drawLabels() {
  document.documentElement.lang = lang;
  for (const each of all("[data-t]")) each.textContent = say(each.dataset.t);
  for (const each of all("[data-t-label]")) each.setAttribute("aria-label", say(each.dataset.tLabel));
  for (const each of all("[data-t-placeholder]")) each.placeholder = say(each.dataset.tPlaceholder);
  for (const each of all("[data-lang]")) each.setAttribute("aria-pressed", String(each.dataset.lang === lang));
  $("quick").replaceChildren(
    ...say("phrases").map((text) => phrase(text)),
    phrase(say("stop"), "stop"),
    phrase(say("start_again")),
  );
}

function phrase(text, className) {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", () => post("messages", { phone, text }));
  return button;
}

function price(amount) {
  return `${Math.round(amount).toLocaleString("ru-RU")} ₸`;
}

function drawProducts() {
  const chosen = $("product").value;
  $("product").replaceChildren(...state.products.map((product) => {
    const option = make("option", "", `${product.name} — ${price(product.price)}`);
    option.value = product.sku;
    option.selected = product.sku === chosen;
    return option;
  }));
}

function drawBuyers() {
  $("buyers").replaceChildren(...state.buyers.map((buyer) => {
    const chip = make("button", "chip", buyer.name);
    chip.type = "button";
    chip.dataset.key = `buyer-${buyer.phone}`;
    chip.setAttribute("aria-pressed", String(buyer.phone === phone));
    if (buyer.unread && buyer.phone !== phone) chip.append(make("span", "badge", String(buyer.unread)));
    chip.addEventListener("click", () => select(buyer.phone));
    return chip;
  }));
}

function drawSteps() {
  let current = true;
  for (const step of all("[data-step]")) {
    const done = state.steps[step.dataset.step];
    step.classList.toggle("done", done);
    if (!done && current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
    current = current && done;
  }
}

function drawHint() {
  $("hint").hidden = !state.hint;
  $("hint-text").textContent = state.hint ? state.hint.text : "";
  $("hint").querySelector("button").hidden = !(state.hint && state.hint.new_buyer);
}

function drawTop() {
  $("chat-title").textContent = state.shop;
  $("whose").textContent = state.chat.name;
  const presence = state.chat.typing ? "typing" : "online";
  $("presence").textContent = say(state.switches.waha_down ? "away" : presence);
}

function drawChat() {
  const chat = $("chat");
  const bubbles = state.chat.lines.map(bubble);
  if (!bubbles.length) bubbles.push(make("p", "empty", say("empty")));
  if (state.chat.typing) {
    const typing = make("div", "typing");
    typing.setAttribute("aria-hidden", "true");
    typing.append(make("i"), make("i"), make("i"));
    bubbles.push(typing);
  }
  chat.replaceChildren(...bubbles);
  chat.scrollTop = chat.scrollHeight;
}

function bubble(line) {
  const element = make("div", `bubble ${line.author === "buyer" ? "buyer" : "shop"}`);
  if (line.author === "owner") element.append(make("span", "who", say("by_owner")));
  element.append(make("span", "", line.text));
  const meta = make("span", "meta", line.at);
  if (line.author === "buyer") {
    const ticks = make("span", "ticks", line.waits ? "⏱" : "✓✓");
    if (line.waits) { ticks.title = say("waits"); ticks.setAttribute("aria-label", say("waits")); }
    else ticks.setAttribute("aria-hidden", "true");
    meta.append(ticks);
  }
  element.append(meta);
  return element;
}

function drawOrders() {
  if (!state.orders.length) { $("orders").replaceChildren(make("li", "none", say("no_orders"))); return; }
  $("orders").replaceChildren(...state.orders.map((order) => {
    const row = make("li");
    const what = make("div", "what", order.product);
    what.append(make("small", "", `№ ${order.code} · ${price(order.price)}`));
    row.append(what, make("span", "stage", say("stages")[order.stage]));
    if (order.stage === "paid" || order.stage === "on_its_way") {
      const deliver = make("button", "", say("deliver"));
      deliver.type = "button";
      deliver.dataset.key = `deliver-${order.code}`;
      deliver.addEventListener("click", () => once(deliver, "deliver", { code: order.code }));
      row.append(deliver);
    }
    return row;
  }));
}

function drawWhy() {
  if (!state.why) { $("why").replaceChildren(make("li", "none", say("why_down"))); return; }
  if (!state.why.length) { $("why").replaceChildren(make("li", "none", say("no_why"))); return; }
  $("why").replaceChildren(...state.why.map((why) => {
    const row = make("li", why.tone);
    const text = make("div");
    text.append(make("span", "", `${why.about} — `), make("span", "status", why.status));
    if (why.reason) text.append(make("span", "reason", `: ${why.reason}`));
    row.append(make("time", "", why.at), text);
    return row;
  }));
}

function drawSwitches() {
  for (const each of all("[data-switch]")) {
    each.setAttribute("aria-checked", String(state.switches[each.dataset.switch]));
  }
}

// --- what the visitor does

function select(next) {
  phone = next;
  state = null;
  listen();
}

let reading = false;
async function markRead() {
  if (reading || document.hidden || !state || !state.chat.unread) return;
  reading = true;
  await post("reads", { phone });
  reading = false;
}

async function once(button, path, body) {
  button.disabled = true;
  const told = await post(path, body);
  button.disabled = false;
  return told;
}

function onSubmit(id, act) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    if (phone) act();
  });
}

async function sendFrom(input, path) {
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  if (!(await post(path, { phone, text }))) input.value ||= text;
}

onSubmit("order", () => once($("order").querySelector("button"), "orders", { phone, sku: $("product").value }));
onSubmit("write", () => sendFrom($("text"), "messages"));
onSubmit("owner", () => sendFrom($("owner-text"), "owner"));

for (const button of all("[data-new-buyer]")) {
  button.addEventListener("click", async () => {
    const buyer = await once(button, "buyers", {});
    if (buyer) select(buyer.phone);
  });
}

for (const button of all("[data-switch]")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-checked") !== "true";
    once(button, "switches", { [button.dataset.switch]: on });
  });
}

for (const button of all("[data-lang]")) {
  button.addEventListener("click", () => {
    lang = button.dataset.lang;
    remember("lang", lang);
    drawLabels();
    listen();
  });
}

document.addEventListener("visibilitychange", markRead);
drawLabels();
listen();
