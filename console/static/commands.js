// Ctrl+K goes anywhere: pages, views, tickets, and what can be done here. "?" lists the keys.
"use strict";
{
  const signedIn = document.querySelector(".me");
  const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const KEYS = [
    ["Ctrl K", "Go to a page, a view or a ticket; do something here"], ["/", "Search"], ["N", "New ticket"], ["?", "These keys"],
    ["j  k", "Down and up the list; next and previous ticket"], ["Enter  o", "Open the ticket"], ["x", "Select, with Shift a range"],
    ["Esc", "Back to the list; clear the selection"], ["r  n", "Reply; write a note"], ["Ctrl Enter", "Send"],
    ["m  a", "Assign to me; to somebody"], ["s  p  c  t", "Status, priority, category, tags"], ["e  u", "Resolve; undo"],
  ];

  function dialog(label) {
    document.querySelector("dialog.bar")?.remove();
    const box = document.createElement("dialog");
    box.className = "bar";
    box.setAttribute("aria-label", label);
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    return box;
  }

  function showKeys() {
    const box = dialog("Keys");
    const list = document.createElement("dl");
    for (const [keys, words] of KEYS) {
      const term = document.createElement("dt");
      for (const key of keys.split("  ")) { const mark = document.createElement("kbd"); mark.textContent = key; term.append(mark, " "); }
      const meaning = document.createElement("dd");
      meaning.textContent = words;
      list.append(term, meaning);
    }
    box.append(list);
    box.showModal();
  }

  // What this page offers: its links to pages and views, and the buttons that act on the ticket.
  function offered() {
    const links = [...document.querySelectorAll(".top nav a, .views a, .top .me a")].map((link) => ({
      words: link.firstChild.textContent.trim() || link.textContent.trim(), kind: link.closest(".views") ? "View" : "Page", go: () => location.assign(link.href),
    }));
    const acts = [...document.querySelectorAll(".side button, .send button.primary")].filter((button) => button.form && !button.hidden)
      .map((button) => ({ words: (button.getAttribute("aria-label") || button.innerText).trim(), kind: "Do", go: () => button.form.requestSubmit(button) }));
    const fields = ["assignee", "status", "priority", "team"].map((id) => document.getElementById(id)).filter(Boolean).flatMap((field) =>
      [...field.options].filter((one) => !one.selected).map((one) => ({
        words: `${field.labels[0]?.textContent || field.id}: ${one.text}`, kind: "Set",
        go: () => { field.value = one.value; field.dispatchEvent(new Event("change", { bubbles: true })); },
      })));
    return [{ words: "New ticket", kind: "Page", go: () => location.assign("/tickets/new") }, ...links, ...fields, ...acts].filter((one) => one.words);
  }

  function open() {
    const box = dialog("Go to or do");
    const field = document.createElement("input");
    Object.assign(field, { type: "search", placeholder: "Page, view, ticket, person, or what to do", autocomplete: "off" });
    const list = document.createElement("ul");
    list.id = "bar-options";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Results");
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "true"], ["aria-controls", list.id], ["aria-label", "Go to or do"]]) field.setAttribute(name, value);
    box.append(field, list);
    const all = offered();
    let shown = [];
    let chosen = 0;
    let asked = 0;
    const mark = () => [...list.children].forEach((item, place) => {
      item.setAttribute("aria-selected", String(place === chosen));
      if (place === chosen) { field.setAttribute("aria-activedescendant", item.id); item.scrollIntoView({ block: "nearest" }); }
    });
    const draw = (entries) => {
      shown = entries.slice(0, 12);
      chosen = 0;
      list.replaceChildren(...shown.map((entry, place) => {
        const item = document.createElement("li");
        item.id = `bar-${place}`;
        item.setAttribute("role", "option");
        const kind = document.createElement("span");
        kind.className = "soft small";
        kind.textContent = entry.kind;
        const words = document.createElement("bdi");
        words.textContent = entry.words;
        item.append(words, kind);
        item.addEventListener("click", () => { box.close(); entry.go(); });
        return item;
      }));
      mark();
    };
    const fitting = (text) => {
      const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
      return all.filter((entry) => parts.every((part) => entry.words.toLowerCase().includes(part)));
    };
    async function look() {
      const text = field.value.trim();
      const turn = ++asked;
      const number = /^#?(\d+)$/.exec(text);
      const jump = number ? [{ words: `Ticket #${number[1]}`, kind: "Ticket", go: () => location.assign(`/tickets/${number[1]}`) }] : [];
      draw([...jump, ...fitting(text)]);
      if (text.length < 2 || number) return;
      await new Promise((done) => setTimeout(done, 180));
      if (turn !== asked) return;
      const answer = await fetch(`/api/v1/tickets?q=${encodeURIComponent(text)}`).catch(() => null);
      if (!answer?.ok || turn !== asked) return;
      const { tickets } = await answer.json();
      draw([...fitting(text).slice(0, 5), ...tickets.slice(0, 8).map((ticket) => ({
        words: `#${ticket.id} ${ticket.subject} · ${ticket.requester_name || ticket.requester}`, kind: "Ticket",
        go: () => location.assign(`/tickets/${ticket.id}`),
      })), { words: `Search for “${text}”`, kind: "Search", go: () => location.assign(`/tickets?q=${encodeURIComponent(text)}`) }]);
    }
    field.addEventListener("input", look);
    field.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && shown.length) { event.preventDefault(); chosen = (chosen + step + shown.length) % shown.length; mark(); }
      if (event.key === "Enter" && shown[chosen]) { event.preventDefault(); const entry = shown[chosen]; box.close(); entry.go(); }
      event.stopPropagation();
    });
    box.showModal();
    look();
  }

  if (signedIn) {
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); return; }
      if (event.key === "?" && !typing(event.target) && !event.ctrlKey && !event.metaKey) { event.preventDefault(); showKeys(); }
    });
  }
}
