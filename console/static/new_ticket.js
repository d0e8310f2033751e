// Who is calling: known people are offered while one types; the name and their open tickets follow.
"use strict";
{
  const caller = document.getElementById("caller");
  const name = document.getElementById("name");
  const options = document.getElementById("people");
  const known = document.querySelector("[data-known]");
  let people = [];
  let timer = 0;
  function choose() {
    const person = people.find((one) => one.caller === caller.value.trim());
    known.textContent = person ? `${person.name || person.caller}: ${person.open} open ticket${person.open === 1 ? "" : "s"}` : "";
    if (person && !name.value) name.value = person.name;
  }
  async function ask() {
    const answer = await fetch(`/people?q=${encodeURIComponent(caller.value.trim())}`);
    if (!answer.ok) return;
    people = await answer.json();
    options.replaceChildren(...people.map((one) => {
      const option = document.createElement("option");
      option.value = one.caller;
      option.label = `${one.name || one.caller} · ${one.open} open`;
      return option;
    }));
    choose();
  }
  caller.addEventListener("input", () => {
    choose();
    clearTimeout(timer);
    if (caller.value.trim().length > 1) timer = setTimeout(() => ask().catch(() => {}), 150);
  });
}
