// What the desk's pages do by themselves. All of them work without it, by links and forms alone.

const token = () => document.querySelector('meta[name="csrf"]').content;
const about = document.body.dataset;
const note = document.getElementById("note");
const dialog = document.getElementById("confirm");

// --- what is told -----------------------------------------------------------------------------

function say(text, tone = "ok") {
  note.textContent = text;
  note.className = `notice ${tone}`;
  note.hidden = !text;
}

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
  if (!response.ok) throw new Error(String(response.status));
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
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

let offline = false;

async function renewed() {
  try {
    await refresh();
    if (offline) say("");
    offline = false;
  } catch {
    offline = true;
    say(about.again, "wait");
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
    const response = await fetch(by?.getAttribute("formaction") ?? form.action, {
      method: "POST",
      body,
      headers: { "X-CSRF-Token": token(), "X-Desk": "1", Accept: "text/html" },
    });
    if (response.status === 401) return location.reload();
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const told = fresh.getElementById("note");
    if (!response.ok) throw new Error(fresh.querySelector("main p")?.textContent || "");
    if (told && !told.hidden) say(told.textContent, told.className.replace("notice", "").trim());
    form.dispatchEvent(new CustomEvent("desk:done", { bubbles: true }));
    await refresh();
  } catch (error) {
    say(error.message && error.name === "Error" ? error.message : about.failed, "no");
  } finally {
    delete form.dataset.sending;
    by?.removeAttribute("aria-busy");
  }
}

// Ctrl+Enter sends what is being written.
document.addEventListener("keydown", (event) => {
  const at = event.target;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && at.tagName === "TEXTAREA") {
    event.preventDefault();
    at.form?.requestSubmit(at.form.querySelector("button:not([type=button])") ?? undefined);
  }
  if (event.key === "Escape") document.getElementById("me")?.removeAttribute("open");
});
