// A ticket's page: it follows what others do, saves a property at once, and knows the tickets before and after it.
"use strict";
{
  const work = document.querySelector(".work");
  const number = work.dataset.ticket;
  const text = document.getElementById("text");
  const regions = () => [...document.querySelectorAll("[data-region]")];

  // Before and after: the list from which it was opened.
  const list = JSON.parse(sessionStorage.getItem("inbox") || "null") || { ids: [] };
  const at = list.ids.indexOf(number);
  function walk() {
    const back = work.querySelector("[data-back]");
    if (list.back) back.href = list.back;
    if (at < 0) return;
    work.querySelector("[data-place]").textContent = `${at + 1} of ${list.ids.length}`;
    for (const [name, id] of [["previous", list.ids[at - 1]], ["next", list.ids[at + 1]]]) {
      const link = work.querySelector(`[data-${name}]`);
      link.hidden = !id;
      if (id) link.href = `/tickets/${id}`;
    }
  }
  walk();

  // A short word at the foot of the page, with Undo where the history offers it.
  function toast(words, undo) {
    document.querySelector(".toast")?.remove();
    const box = document.createElement("div");
    box.className = "toast";
    box.setAttribute("role", "status");
    box.append(words);
    if (undo) {
      const button = document.createElement("button");
      button.textContent = "Undo";
      button.addEventListener("click", () => { box.remove(); post(newestUndo, "Undone."); });
      box.append(button);
    }
    document.body.append(box);
    setTimeout(() => box.remove(), 8000);
  }

  const newestUndo = () => [...document.querySelectorAll('form[action$="/undo"]')].pop();

  // The parts of the page as they are now; what is typed, opened or focused stays.
  function swap(fresh) {
    const opened = new Set([...document.querySelectorAll("[data-region] details[open] > summary")].map((one) => one.textContent));
    const focused = document.activeElement && document.activeElement.id;
    const before = new Set([...document.querySelectorAll("li.message")].map((one) => one.id));
    let arrived = null;
    for (const region of regions()) {
      const now = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
      if (!now || now.innerHTML === region.dataset.was) continue;
      region.dataset.was = now.innerHTML;
      region.innerHTML = now.innerHTML;
      localise(region);
    }
    for (const summary of document.querySelectorAll("[data-region] details > summary")) {
      if (opened.has(summary.textContent)) summary.parentElement.open = true;
    }
    for (const message of document.querySelectorAll("li.message")) {
      if (before.has(message.id)) continue;
      message.classList.add("fresh-row");
      arrived = message;
    }
    for (const name of ["version", "seen"]) {
      const value = fresh.querySelector(`input[name=${name}]`)?.value;
      if (value) document.querySelectorAll(`input[name=${name}]`).forEach((one) => (one.value = value));
    }
    const others = document.querySelector("[data-others]");
    const newOthers = fresh.querySelector("[data-others]");
    if (others && newOthers) Object.assign(others.dataset, { version: newOthers.dataset.version, newest: newOthers.dataset.newest || "" });
    document.querySelector("[data-changed]")?.setAttribute("hidden", "");
    if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus();
    walk();
    live();
    if (arrived) tell(arrived);
  }

  function tell(message) {
    if (message.getBoundingClientRect().top < innerHeight) return;
    document.querySelector(".below")?.remove();
    const box = document.createElement("div");
    box.className = "below";
    const button = document.createElement("button");
    button.textContent = "New message ↓";
    button.addEventListener("click", () => { message.scrollIntoView({ block: "center" }); box.remove(); });
    box.append(button);
    work.querySelector(".composer")?.before(box);
  }

  async function page(answer) {
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  async function refresh() {
    const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.url.includes("/login")) swap(await page(answer));
  }

  // A form in the background; whatever is not plainly done is done by the page itself, which shows why.
  // One after the other: each begins with the version that the one before it left.
  let busy = Promise.resolve();
  function post(form, words) { busy = busy.then(() => send(typeof form === "function" ? form() : form, words)); }

  async function send(form, words) {
    if (!form) return;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok || !answer.url.includes(`/tickets/${number}`)) { form.submit(); return; }
      const fresh = await page(answer);
      fresh.querySelectorAll('[data-region="banners"] > .banner.good').forEach((one) => one.remove());
      swap(fresh);
      toast(words, words === "Undone." ? null : newestUndo());
    } catch { form.submit(); }
  }

  function live() {
    for (const form of document.querySelectorAll("form[data-auto]:not(.live)")) {
      form.classList.add("live");
      form.addEventListener("change", (event) => { if (event.target.id !== "tags") post(form, "Saved."); });
      form.addEventListener("submit", (event) => { event.preventDefault(); post(form, "Saved."); });
    }
  }
  live();
  for (const region of regions()) region.dataset.was = region.innerHTML;

  // Changes of others.
  let last = work.dataset.after;
  let timer = 0;
  function listen() {
    const source = new EventSource(`${work.dataset.live}?after=${last}`);
    source.addEventListener("changed", (event) => {
      last = event.lastEventId;
      if (!event.data.split(",").includes(number)) return;
      clearTimeout(timer);
      timer = setTimeout(() => refresh().catch(() => {}), 120);
    });
    source.addEventListener("missed", () => { source.close(); refresh().catch(() => {}); setTimeout(listen, 1000); });
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000); };
  }
  listen();

  // The newest message is what one came for.
  const messages = document.querySelectorAll("li.message");
  if (messages.length > 1 && !location.hash) messages[messages.length - 1].scrollIntoView({ block: "nearest" });

  // A macro goes in where the cursor is; what is typed stays.
  const macros = document.getElementById("macro-form");
  macros?.addEventListener("submit", async (event) => {
    if (!text) return;
    event.preventDefault();
    const chosen = document.getElementById("macro").value;
    const answer = await fetch(`${macros.action.split("#")[0]}?macro=${chosen}`);
    if (!answer.ok) return;
    const fresh = await page(answer);
    const words = fresh.getElementById("text")?.value || "";
    text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    let field = text.form.querySelector("input[name=macro]");
    if (!field) { field = document.createElement("input"); Object.assign(field, { type: "hidden", name: "macro" }); text.form.append(field); }
    field.value = chosen;
    const does = fresh.querySelector(".banner.info")?.firstChild?.textContent;
    if (does && does.startsWith("Sending")) toast(does);
    text.focus();
  });

  function resolving() {
    const field = document.getElementById("status");
    if (!field || field.value === "resolved" || ![...field.options].some((one) => one.value === "resolved")) return null;
    field.value = "resolved";
    return field.form;
  }

  // One key each.
  const go = (name) => { const link = work.querySelector(`[data-${name}]`); if (link && !link.hidden) location.assign(link.href); };
  const focus = (id) => { const field = document.getElementById(id); if (field) { field.focus(); field.showPicker?.(); } };
  const keys = {
    j: () => go("next"), k: () => go("previous"), Escape: () => location.assign(work.querySelector("[data-back]").href),
    a: () => focus("assignee"), s: () => focus("status"), p: () => focus("priority"), c: () => document.getElementById("category")?.focus(),
    t: () => document.getElementById("tags")?.focus(),
    m: () => post(() => document.querySelector('form[action$="/take"]'), "Assigned to you."),
    e: () => post(resolving, "Resolved."),
    u: () => post(newestUndo, "Undone."),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (typing && event.key === "Escape") { event.target.blur(); return; }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
}
