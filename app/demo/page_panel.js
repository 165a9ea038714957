// Beside the phone: the steps, the orders, the clock, what may break.
import { $, all, announce, arrange, at, button, make, once, part, price, say } from "./page_tools.js";

export function drawPanel() {
  const { state } = at;
  part("steps", [state.steps, at.sawWhy], drawSteps);
  part("buyer", state.chat.name, () => { $("buyer-name").textContent = state.chat.name; });
  part("hint", state.hint, drawHint);
  part("products", state.products, drawProducts);
  part("orders", state.orders, drawOrders);
  part("clock", state.clock, drawClock);
  part("switches", state.switches, drawSwitches);
}

function drawSteps() {
  const done = { ...at.state.steps, why: at.sawWhy };
  let current = true;
  for (const step of all("[data-step]")) {
    const isDone = done[step.dataset.step];
    step.classList.toggle("done", isDone);
    if (!isDone && current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
    if (!isDone) current = false;
    step.dataset.state = isDone ? say("step_done") : "";
  }
}

function drawHint() {
  const { hint } = at.state;
  $("hint").hidden = !hint;
  $("hint-text").textContent = hint ? hint.text : "";
  $("hint-buyer").hidden = !hint?.new_buyer;
  $("hint-move").hidden = !hint?.hours;
  $("hint-move").textContent = hint?.hours ? say("plus_hours").replace("{n}", String(hint.hours)) : "";
  if (hint?.hours) $("hint-move").dataset.hours = String(hint.hours);
}

function drawProducts() {
  const chosen = $("product").value;
  $("product").replaceChildren(...at.state.products.map((product) => {
    const option = make("option", "", `${product.name} — ${price(product.price)}`);
    option.value = product.sku;
    option.selected = product.sku === chosen;
    return option;
  }));
}

const STEPS = {
  ship: [["ship", "ship", {}]],
  deliver: [["deliver", "deliver", {}]],
  cancel: [["cancel_shop", "cancel", { by: "shop" }], ["cancel_buyer", "cancel", { by: "buyer" }]],
};

function drawOrders() {
  if (!at.state.orders.length) {
    $("orders").replaceChildren(make("li", "none", say("no_orders")));
    return;
  }
  arrange($("orders"), at.state.orders.map(orderCard));
}

function orderCard(order) {
  const card = make("li", `order ${order.stage}`);
  card.dataset.order = order.code;
  const what = make("div", "what", order.product);
  what.append(make("small", "", `№ ${order.code} · ${price(order.price)}`));
  if (order.by_buyer) what.append(make("small", "", say("by_buyer")));
  card.append(what, make("span", "stage", say("stages")[order.stage]));
  const acts = make("div", "acts");
  for (const [word, path, more] of order.can.flatMap((step) => STEPS[step])) {
    const press = (pressed) => once(pressed, path, { code: order.code, ...more });
    const act = button(say(word), press, path === "cancel" ? "cancel" : "");
    act.dataset.act = word;
    act.dataset.key = `${word}-${order.code}`;
    acts.append(act);
  }
  if (order.can.length) card.append(acts);
  return card;
}

// --- the clock

function minutes(time) {
  const [hours, rest] = time.split(":").map(Number);
  return hours * 60 + rest;
}

function drawClock() {
  const { clock } = at.state;
  const [from, until] = [minutes(clock.quiet_from), minutes(clock.quiet_until)];
  $("clock-time").textContent = clock.time;
  $("clock-date").textContent = clock.date;
  $("night-before").setAttribute("width", String(until));
  $("night-after").setAttribute("x", String(from));
  $("night-after").setAttribute("width", String(1440 - from));
  $("day-mark").setAttribute("x", String(Math.min(clock.minute, 1424)));
  $("clock-quiet").classList.toggle("night", clock.quiet);
  $("clock-quiet").textContent = clock.quiet
    ? say("quiet_now").replace("{t}", clock.quiet_until)
    : say("quiet_later").replace("{t}", clock.quiet_from);
}

export async function moveClock(pressed) {
  const before = at.state?.clock;
  if (!(await once(pressed, "clock", { hours: Number(pressed.dataset.hours) }))) return false;
  const told = () => {
    const { clock } = at.state;
    if (before && clock.time === before.time && clock.date === before.date) return false;
    announce(`${say("moved")} ${clock.time}, ${clock.date}`);
    return true;
  };
  if (!told()) setTimeout(told, 1000);
  return true;
}

function drawSwitches() {
  for (const each of all("[data-switch]")) {
    each.setAttribute("aria-checked", String(at.state.switches[each.dataset.switch]));
  }
}
