// The ticket list by keyboard: j and k move, x picks, o opens; and how many are picked.
"use strict";

const lines = [...document.querySelectorAll("table.tickets tbody tr")];
const picks = [...document.querySelectorAll("input[name^=pick-]")];
const all = document.getElementById("pick-all");
const counter = document.querySelector("[data-picked]");
let here = -1;

function showCount() {
  const count = picks.filter((pick) => pick.checked).length;
  if (counter) counter.textContent = count ? `${count} selected` : "Selected tickets";
  if (all) { all.checked = count === picks.length; all.indeterminate = count > 0 && count < picks.length; }
}

function move(by) {
  if (!lines.length) return;
  if (here >= 0) lines[here].classList.remove("here");
  here = Math.min(Math.max(here + by, 0), lines.length - 1);
  lines[here].classList.add("here");
  lines[here].querySelector("a").focus();
}

if (all) {
  all.hidden = false;
  all.addEventListener("change", () => { picks.forEach((pick) => (pick.checked = all.checked)); showCount(); });
}
picks.forEach((pick) => pick.addEventListener("change", showCount));
addEventListener("pageshow", showCount);
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
  const pick = here >= 0 && lines[here].querySelector("input[name^=pick-]");
  if (event.key === "x" && pick) { pick.checked = !pick.checked; showCount(); }
  if (event.key === "o" && here >= 0) lines[here].querySelector("a").click();
});
