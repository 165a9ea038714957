// What the desk's pages do by themselves. All of them work without it, by links and forms alone.

const token = () => document.querySelector('meta[name="csrf"]').content;
const about = document.body.dataset;
const note = document.getElementById("note");
const dialog = document.getElementById("confirm");

// --- what is told -----------------------------------------------------------------------------

let over = 0;

/** What went well is read and gone; what did not stays until something else is said. */
function fades() {
  clearTimeout(over);
  if (note.classList.contains("ok")) over = setTimeout(() => (note.hidden = true), 8000);
}

function say(text, tone = "ok") {
  note.textContent = text;
  note.className = `notice ${tone}`;
  note.hidden = !text;
  fades();
}
fades();

// A note is about what was just done: loading the page again must not say it again.
const address = new URL(location.href);
if (address.searchParams.has("said")) {
  address.searchParams.delete("said");
  address.searchParams.delete("tone");
  history.replaceState(history.state, "", address);
}

// --- parts: what changes by itself --------------------------------------------------------------

const shown = new Map();
for (const part of document.querySelectorAll("[data-part]")) shown.set(part.id, part.outerHTML);

function replaced(part, fresh) {
  const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
  const closed = new Set(
    [...part.querySelectorAll("details[id]:not([open])")].map((each) => each.id),
  );
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...part.querySelectorAll("[data-scroll][id]")].map((each) => [
    each.id,
    each.scrollTop,
    each.scrollHeight - each.scrollTop - each.clientHeight < 40,
  ]);
  const next = document.importNode(fresh, true);
  part.replaceWith(next);
  for (const each of next.querySelectorAll("details[id]")) {
    if (open.has(each.id)) each.open = true;
    if (closed.has(each.id)) each.open = false;
  }
  for (const [id, top, atEnd] of scrolled) {
    const box = document.getElementById(id);
    if (box) box.scrollTop = atEnd ? box.scrollHeight : top;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  next.dispatchEvent(new CustomEvent("desk:changed", { bubbles: true }));
}

function busy(part) {
  const at = document.activeElement;
  return part.contains(at) && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
}

let refreshing = null;
let again = false;

/** Ask for this page anew and show the parts that have changed. */
async function refresh() {
  if (refreshing) {
    again = true;
    return refreshing;
  }
  refreshing = renew();
  try {
    await refreshing;
  } finally {
    refreshing = null;
  }
  if (again) {
    again = false;
    await refresh();
  }
}

async function renew() {
  const response = await fetch(location.href, { headers: { "X-Desk": "1", Accept: "text/html" } });
  if (response.status === 401) return location.reload();
  // Who was erased leaves the screen of everybody who looks at them.
  if (response.status === 404) return forget(`desk:${location.pathname}#`), location.reload();
  if (!response.ok) throw new Error(String(response.status));
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  // Who has logged in anew in another tab has another token: this page must not go stale.
  const newest = fresh.querySelector('meta[name="csrf"]')?.content;
  if (newest) {
    document.querySelector('meta[name="csrf"]').content = newest;
    for (const field of document.querySelectorAll("input[name=csrf]")) field.value = newest;
  }
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.getElementById(part.id);
    if (!next || busy(part)) continue;
    const html = next.outerHTML;
    if (shown.get(part.id) !== html) {
      shown.set(part.id, html);
      replaced(part, next);
    }
  }
}

const PATIENCE = 3000;
let offline = false;

async function renewed() {
  try {
    await refresh();
    if (offline) say("");
    offline = false;
  } catch {
    offline = true;
    say(about.again, "wait");
    clearTimeout(soon);
    soon = setTimeout(renewed, PATIENCE);
  }
}

let soon = 0;

function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(renewed, 120);
}

function every() {
  const seconds = [...document.querySelectorAll("[data-every]")].map((part) => +part.dataset.every);
  if (seconds.length === 0) return;
  setTimeout(async () => {
    if (!document.hidden) await renewed();
    every();
  }, 1000 * Math.min(...seconds));
}
every();

// --- live: the server tells what changes ----------------------------------------------------------

function listen() {
  const events = new EventSource("/desk/events");
  const heard = (event) => {
    const data = JSON.parse(event.data || "{}");
    document.dispatchEvent(new CustomEvent("desk:heard", { detail: data }));
    if (!document.hidden) refreshSoon();
    else stale = true;
  };
  events.addEventListener("changed", heard);
  events.addEventListener("missed", heard);
  events.addEventListener("open", () => {
    if (offline) renewed();
  });
  // A browser comes back by itself to a line that broke, not to one that was answered by an error.
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => (renewed(), listen()), PATIENCE);
  });
  addEventListener("pagehide", () => events.close());
}

let stale = false;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && stale) {
    stale = false;
    renewed();
  }
});
if (document.querySelector("[data-part][data-live]")) listen();
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// --- forms ----------------------------------------------------------------------------------------

function confirmed(question) {
  document.getElementById("confirm-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  const by = event.submitter;
  const question = by?.dataset.confirm ?? form.dataset.confirm;
  const quiet = "quiet" in form.dataset;
  if (!question && !quiet) return;
  if (form.dataset.sure === "yes" && !quiet) return;
  event.preventDefault();
  if (question && !(await confirmed(question))) return by?.focus();
  if (quiet) return post(form, by);
  form.dataset.sure = "yes";
  form.requestSubmit(by ?? undefined);
});

async function post(form, by) {
  if (form.dataset.sending) return;
  form.dataset.sending = "yes";
  if (by) by.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(new FormData(form, by));
  try {
    const send = () =>
      fetch(by?.getAttribute("formaction") ?? form.action, {
        method: "POST",
        body,
        headers: { "X-CSRF-Token": token(), "X-Desk": "1", Accept: "text/html" },
      });
    let response = await send();
    if (response.status === 403) {
      await refresh();
      response = await send();
    }
    if (response.status === 401) return location.reload();
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const told = fresh.getElementById("note");
    if (!response.ok) throw new Error(fresh.querySelector("main p")?.textContent || "");
    if (told && !told.hidden) say(told.textContent, told.className.replace("notice", "").trim());
    form.dispatchEvent(new CustomEvent("desk:done", { bubbles: true }));
    await renewed();
  } catch (error) {
    say(error.message && error.name === "Error" ? error.message : about.failed, "no");
  } finally {
    delete form.dataset.sending;
    by?.removeAttribute("aria-busy");
  }
}

// --- what is being typed outlives a login that has ended, a reload and a page back ------------------

const UNKEPT = ["csrf", "nonce"];

function typed(form) {
  const fields = [...new FormData(form)].filter(([name]) => !UNKEPT.includes(name));
  return JSON.stringify(Object.fromEntries(fields));
}

const placed = (form) => `desk:${location.pathname}#${form.id}`;

/** Words come back to the form they were typed in, unless it is about something newer by now. */
function returned(form) {
  const kept = JSON.parse(sessionStorage.getItem(placed(form)) ?? "null");
  if (!kept || form.dataset.keep === "no") return false;
  const hidden = [...form.querySelectorAll("input[type=hidden]")];
  const same = hidden.every(({ name, value }) => UNKEPT.includes(name) || kept[name] === value);
  if (!same) sessionStorage.removeItem(placed(form));
  const boxes = [...form.querySelectorAll("textarea")].filter((box) => kept[box.name] !== box.value);
  if (same) for (const box of boxes) box.value = kept[box.name] ?? box.value;
  return same && boxes.length > 0;
}

for (const form of document.querySelectorAll("form[data-keep][id]")) {
  if (returned(form) && !("quiet" in form.dataset)) say(about.kept, "wait");
  form.addEventListener("input", () => sessionStorage.setItem(placed(form), typed(form)));
  form.addEventListener("desk:sent", () => sessionStorage.removeItem(placed(form)));
}
function forget(ours) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(ours)) sessionStorage.removeItem(key);
}
document.addEventListener("submit", (event) => {
  const which = event.target.dataset.forget;
  if (which) forget(which === "all" ? "desk:" : `desk:${location.pathname}#`);
});

// Ctrl+Enter sends what is being written.
document.addEventListener("keydown", (event) => {
  const at = event.target;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && at.tagName === "TEXTAREA") {
    event.preventDefault();
    at.form?.requestSubmit(at.form.querySelector("button:not([type=button])") ?? undefined);
  }
  if (event.key === "Escape") document.getElementById("me")?.removeAttribute("open");
});
