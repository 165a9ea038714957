// The conversation that is open: what was looked at, and what is being written.

const open = document.querySelector(".chats[data-ref]");
const reply = document.getElementById("reply");

// --- looked at: only while somebody sits in front of it ---

let unseen = false;

function seen() {
  if (!open) return;
  unseen = document.hidden;
  if (document.hidden) return;
  fetch(`/desk/chats/${open.dataset.ref}/seen`, {
    method: "POST",
    headers: { "X-CSRF-Token": document.querySelector('meta[name="csrf"]').content, "X-Desk": "1" },
    keepalive: true,
  }).catch(() => (unseen = true));
}

document.addEventListener("desk:changed", (event) => {
  if (event.target.id === "thread") seen();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && unseen) seen();
});

// --- the suggested reply goes into the composer to be changed ---

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#edit-suggestion");
  if (!link || !reply) return;
  event.preventDefault();
  const text = reply.elements.text;
  text.value = document.getElementById("suggestion").textContent;
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
});

// --- what was sent is sent: the next message is another one ---

reply?.addEventListener("desk:done", () => {
  if (document.getElementById("note").classList.contains("no")) return;
  reply.elements.text.value = "";
  reply.dispatchEvent(new CustomEvent("desk:sent"));
  reply.elements.nonce.value = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  reply.elements.text.focus();
});
