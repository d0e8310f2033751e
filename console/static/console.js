// Small comforts; every page works without them.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.title = `${whole.format(at)} (${zone}) · ${time.dateTime}`;
    if (!("age" in time.dataset)) time.textContent = whole.format(at);
  }
}
localise(document);
const shown = document.getElementById("zone");
if (shown && zone) shown.textContent = `Times are shown in ${zone}.`;

// One submission per click; typed text is kept until a page says that it was sent.
document.addEventListener("submit", ({ target, defaultPrevented }) => {
  if (target.method !== "post" || defaultPrevented) return;
  setTimeout(() => target.querySelectorAll("button").forEach((button) => (button.disabled = true)));
});
addEventListener("pageshow", () => {
  document.querySelectorAll("form[method=post] button").forEach((button) => (button.disabled = false));
});
for (const sent of document.querySelectorAll("[data-sent]")) sessionStorage.removeItem(sent.dataset.sent);
for (const field of document.querySelectorAll("[data-keep]")) {
  if (!field.value) field.value = sessionStorage.getItem(field.dataset.keep) || "";
  field.addEventListener("input", () => sessionStorage.setItem(field.dataset.keep, field.value));
}

// A link to a message opens it where it is folded.
function unfold() {
  const target = location.hash.startsWith("#message-") && document.getElementById(location.hash.slice(1));
  const fold = target && target.querySelector(".fold");
  const around = target && target.parentElement.closest("details");
  if (fold) fold.open = true;
  if (around) around.open = true;
  if (fold || around) target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

// Ctrl+Enter sends, "/" searches, "r" and "n" write a reply or a note.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (typing && event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing.form) typing.form.requestSubmit();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.getElementById("q");
  const text = document.getElementById("text");
  if (event.key === "N" && document.querySelector('a[href="/tickets"]')) location.assign("/tickets/new");
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
  if ((event.key === "r" || event.key === "n") && text) {
    const kind = document.querySelector(`input[name=kind][value=${event.key === "r" ? "reply" : "note"}]`);
    if (kind) { event.preventDefault(); kind.checked = true; text.focus(); }
  }
});

// A suggested answer goes where the cursor is; what was typed stays. Without scripts the link loads the page with it.
for (const link of document.querySelectorAll("a[data-insert]")) {
  link.addEventListener("click", (event) => {
    const text = document.getElementById("text");
    const used = document.querySelector("[data-used]");
    if (!text) return;
    event.preventDefault();
    text.setRangeText(link.dataset.insert, text.selectionStart, text.selectionEnd, "end");
    if (used && link.dataset.names) used.value = `${used.value} ${link.dataset.names}`.trim();
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
  });
}
