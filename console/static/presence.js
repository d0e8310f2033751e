// Who else is here, what was typed, and how long a reply can still be taken back. Every page works without this.
"use strict";
{
  const place = document.querySelector("[data-others]");
  const changed = document.querySelector("[data-changed]");
  const token = document.querySelector("input[name=csrf]");
  const text = document.querySelector("textarea[data-draft]");
  const kind = () => (document.querySelector("input[name=kind]:checked") || {}).value || "reply";
  const body = (fields) => new URLSearchParams({ csrf: token.value, ...fields });
  const files = () => Object.fromEntries([...document.querySelectorAll(".attached input[type=hidden]")].map((one) => [one.name, one.value]));
  let typedAt = 0;
  let leaving = false;

  // The others, every ten seconds and at once when writing begins.
  const words = (one) => `${one.name} is ${one.doing === "writing" ? "writing" : "looking at this ticket"}.`;
  const setText = (element, content) => {
    if (element.textContent !== content) element.textContent = content;
    element.hidden = !content;
  };
  async function beat() {
    if (document.hidden || leaving) return;
    const doing = Date.now() - typedAt < 20000 ? "writing" : "viewing";
    try {
      const answer = await fetch(place.dataset.others, { method: "POST", body: body({ doing, read: place.dataset.newest || "" }) });
      if (!answer.ok || answer.redirected) return;
      const state = await answer.json();
      setText(place, state.others.map(words).join(" "));
      for (const banner of document.querySelectorAll("[data-leaves]")) {
        const gone = !state.waiting.includes(Number(banner.elements.waiting.value));
        if (gone && !(text && text.value)) { location.replace(location.pathname); return; }
      }
      if (changed && String(state.version) !== place.dataset.version) changed.hidden = false;
    } catch { /* the next beat tries again */ }
  }
  if (place && token) {
    beat();
    setInterval(beat, 10000);
    document.addEventListener("visibilitychange", beat);
    addEventListener("pagehide", () => navigator.sendBeacon(place.dataset.others, body({ doing: "gone" })));
  }

  // Drafts: a second and a half after the last letter, and when the page is left; never after it was sent.
  if (text && token) {
    let timer = 0;
    let dirty = false;
    let pending = null;
    const save = () => {
      clearTimeout(timer);
      if (!dirty || leaving) return;
      dirty = false;
      pending = new AbortController();
      const fields = body({ kind: kind(), text: text.value, ...files() });
      fetch(text.dataset.draft, { method: "POST", body: fields, signal: pending.signal }).then(
        (answer) => { if (!answer.ok) dirty = true; }, () => { dirty = true; });
    };
    text.addEventListener("input", () => {
      const begins = Date.now() - typedAt > 20000;
      typedAt = Date.now();
      if (begins) beat();
      dirty = true;
      clearTimeout(timer);
      timer = setTimeout(save, 1500);
    });
    text.form.addEventListener("submit", () => {
      leaving = true;
      clearTimeout(timer);
      if (pending) pending.abort();
    });
    addEventListener("pageshow", () => { leaving = false; });
    addEventListener("pagehide", () => {
      if (dirty && !leaving) navigator.sendBeacon(text.dataset.draft, body({ kind: kind(), text: text.value, ...files() }));
    });
  }

  // The seconds in which a reply can be taken back; then the page shows it where it belongs.
  for (const banner of document.querySelectorAll("[data-leaves]")) {
    const left = Date.parse(banner.dataset.leaves) - Date.parse(banner.dataset.now);
    if (left > 120000) continue;
    const end = performance.now() + left;
    const shown = banner.querySelector("[data-left]");
    const count = () => {
      const seconds = Math.ceil((end - performance.now()) / 1000);
      if (seconds > 0) { shown.textContent = `in ${seconds} s`; return; }
      clearInterval(ticking);
      shown.textContent = "now";
      const undo = banner.querySelector("button");
      if (undo) undo.hidden = true;
      for (const wait of [1500, 3000, 5000]) setTimeout(beat, wait);
    };
    const ticking = setInterval(count, 250);
    count();
  }

  // "@" in a note offers the agents: arrows choose, Enter or Tab takes, Escape leaves.
  const people = [...document.querySelectorAll("#assignee option")].filter((one) => one.value).map((one) => one.text);
  if (text && people.length) {
    const list = document.createElement("ul");
    Object.assign(list, { id: "mentions", className: "mentions", hidden: true });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Agents");
    text.after(list);
    let chosen = 0;
    const open = () => !list.hidden;
    const typed = () => /(?:^|[\s(,;])@([^@\n]{0,40})$/.exec(text.value.slice(0, text.selectionStart));
    const close = () => { list.hidden = true; text.removeAttribute("aria-activedescendant"); };
    const mark = () => [...list.children].forEach((item, place) => {
      item.setAttribute("aria-selected", String(place === chosen));
      if (place === chosen) text.setAttribute("aria-activedescendant", item.id);
    });
    const take = (name) => {
      const end = text.selectionStart;
      text.setRangeText(`@${name} `, end - typed()[1].length - 1, end, "end");
      close();
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    };
    const offer = () => {
      const found = kind() === "note" && typed();
      const fitting = found ? people.filter((name) => name.toLowerCase().includes(found[1].toLowerCase())).slice(0, 8) : [];
      if (!fitting.length) { close(); return; }
      list.replaceChildren(...fitting.map((name, place) => {
        const item = document.createElement("li");
        item.id = `mention-${place}`;
        item.setAttribute("role", "option");
        item.textContent = name;
        item.addEventListener("mousedown", (event) => { event.preventDefault(); take(name); });
        return item;
      }));
      chosen = 0;
      list.hidden = false;
      text.setAttribute("aria-controls", list.id);
      mark();
    };
    text.addEventListener("input", offer);
    text.addEventListener("blur", close);
    text.addEventListener("keydown", (event) => {
      if (!open() || event.ctrlKey || event.metaKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) chosen = (chosen + step + list.children.length) % list.children.length;
      else if (event.key === "Enter" || event.key === "Tab") take(list.children[chosen].textContent);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      if (open()) mark();
    });
  }
}
