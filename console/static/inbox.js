// The list of tickets: it follows the desk while it is open, and it is worked by keyboard. It reads well without this.
"use strict";
{
  const inbox = document.querySelector(".inbox");
  const table = inbox.querySelector("table.tickets");
  const body = table.tBodies[0];
  const bulk = document.getElementById("bulk");
  const counter = document.querySelector("[data-picked]");
  const fresh = inbox.querySelector("[data-fresh]");
  const empty = inbox.querySelector("[data-empty]");
  const lines = () => [...body.rows];
  const picks = () => [...body.querySelectorAll("input[name^=pick-]")];
  let here = -1;
  let lastPick = null;

  // Which tickets this list holds, so that a ticket's page knows what comes before and after it.
  const remember = () => {
    const ids = lines().map((line) => line.dataset.ticket);
    sessionStorage.setItem("inbox", JSON.stringify({ back: location.pathname + location.search, ids }));
  };

  function showCount() {
    const count = picks().filter((pick) => pick.checked).length;
    if (counter) counter.textContent = `${count} selected`;
    if (bulk) bulk.hidden = !count;
  }

  function move(to) {
    const rows = lines();
    if (!rows.length) return;
    if (rows[here]) rows[here].classList.remove("here");
    here = Math.min(Math.max(to, 0), rows.length - 1);
    rows[here].classList.add("here");
    rows[here].querySelector("a.line").focus();
  }

  body.addEventListener("click", (event) => {
    const pick = event.target.closest("input[name^=pick-]");
    if (!pick) return;
    const all = picks();
    if (event.shiftKey && lastPick) {
      const [from, to] = [all.indexOf(lastPick), all.indexOf(pick)].sort((a, b) => a - b);
      if (from >= 0) all.slice(from, to + 1).forEach((one) => (one.checked = pick.checked));
    }
    lastPick = pick;
    showCount();
  });
  addEventListener("pageshow", () => { showCount(); remember(); });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = lines()[here];
    if (event.key === "j" || event.key === "ArrowDown") { event.preventDefault(); move(here + 1); }
    if (event.key === "k" || event.key === "ArrowUp") { event.preventDefault(); move(here - 1); }
    if (event.key === "x" && row) {
      const pick = row.querySelector("input[name^=pick-]");
      if (pick) { pick.checked = !pick.checked; showCount(); }
    }
    if (event.key === "o" && row) row.querySelector("a.line").click();
    if (event.key === "Escape") { picks().forEach((pick) => (pick.checked = false)); showCount(); }
  });

  // Changed tickets: those that stay are drawn anew where they are, new ones wait while somebody reads the list.
  const changed = new Set();
  const waiting = new Map();
  let asking = false;
  // Counting costs more than a row: every few seconds is often enough.
  const COUNTED_EVERY = 3000;
  let countedAt = -COUNTED_EVERY;
  let counting = 0;
  const title = document.title;
  const reading = () => table.matches(":hover") || scrollY > 200 || (here >= 0 && body.contains(document.activeElement));

  function place(row) {
    row.classList.add("fresh-row");
    if (table.dataset.order === "activity" || table.dataset.order === "newest") body.prepend(row);
    else body.append(row);
  }

  function settle() {
    for (const row of waiting.values()) place(row);
    waiting.clear();
    fresh.hidden = true;
    tell();
  }

  function tell() {
    const rows = lines().length;
    table.hidden = !rows;
    if (empty) empty.hidden = rows > 0;
    const count = waiting.size;
    fresh.hidden = !count;
    fresh.firstElementChild.textContent = count === 1 ? "1 new ticket" : `${count} new tickets`;
    document.title = count ? `(${count}) ${title}` : title;
    remember();
  }

  function merge(html, asked) {
    const holder = document.createElement("tbody");
    const around = document.createElement("table");
    around.append(holder);
    holder.innerHTML = html;
    const arrived = new Map([...holder.rows].map((row) => [row.dataset.ticket, row]));
    const still = reading();
    for (const number of asked) {
      const old = document.getElementById(`ticket-${number}`);
      const row = arrived.get(number);
      waiting.delete(number);
      if (old && row) {
        const [had, has] = [old, row].map((one) => one.querySelector("input[name^=pick-]"));
        if (had && has) has.checked = had.checked;
        if (old.classList.contains("here")) row.classList.add("here");
        const focused = old.contains(document.activeElement) ? document.activeElement.className : "";
        old.replaceWith(row);
        if (focused) { const target = row.getElementsByClassName(focused)[0]; if (target) target.focus(); }
        if (!still) place(row);
      } else if (old) old.remove();
      else if (row) { if (still) waiting.set(number, row); else place(row); }
    }
    localise(body);
    here = lines().findIndex((row) => row.classList.contains("here"));
    tell();
  }

  async function ask() {
    const counted = performance.now() - countedAt >= COUNTED_EVERY;
    if (asking || !(changed.size || (counting && counted))) return;
    asking = true;
    clearTimeout(counting);
    counting = counted ? 0 : setTimeout(ask, COUNTED_EVERY);
    if (counted) countedAt = performance.now();
    const numbers = [...changed].slice(0, 100);
    numbers.forEach((number) => changed.delete(number));
    try {
      const answer = await fetch(`${inbox.dataset.rows}&ids=${numbers.join(",")}${counted ? "&counts=1" : ""}`);
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.status);
      const state = await answer.json();
      if (!("still" in inbox.dataset)) merge(state.rows, numbers);
      for (const badge of inbox.querySelectorAll("[data-count]")) {
        const count = state.counts[badge.dataset.count];
        if (count !== undefined) badge.textContent = count < 1000 ? count : "999+";
      }
    } catch {
      numbers.forEach((number) => changed.add(number));
      setTimeout(ask, 5000);
      return;
    } finally { asking = false; }
    if (changed.size) setTimeout(ask, 300);
  }

  fresh.firstElementChild.addEventListener("click", () => { settle(); scrollTo({ top: 0 }); });
  table.addEventListener("mouseleave", () => setTimeout(() => { if (waiting.size && !reading()) settle(); }, 2000));

  let last = inbox.dataset.after;
  let lost = 0;
  function listen() {
    const source = new EventSource(`${inbox.dataset.live}?after=${last}`);
    source.addEventListener("changed", (event) => {
      last = event.lastEventId;
      lost = 0;
      for (const number of event.data.split(",")) changed.add(number);
      setTimeout(ask, 80);
    });
    source.addEventListener("missed", () => location.reload());
    // The browser connects again by itself, unless the server refused.
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, Math.min(30000, 1000 * 2 ** lost++));
    };
  }
  listen();
  remember();
}
