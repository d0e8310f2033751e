// Files of an answer: chosen, dropped or pasted, they are sent at once and stay with the draft.
"use strict";
{
  document.documentElement.classList.add("scripted");
  const form = document.querySelector("form[data-upload]");
  if (form) {
    const list = form.querySelector(".attached");
    const text = form.querySelector("textarea");
    const input = form.querySelector("input[type=file]");
    const most = Number(form.dataset.most);
    const token = form.querySelector("input[name=csrf]");
    let place = Date.now();
    const readable = (count) => (count < 1e6 ? `${Math.ceil(count / 1000)} kB` : `${(count / 1e6).toFixed(1)} MB`);
    const changed = () => text.dispatchEvent(new Event("input", { bubbles: true }));
    const held = () => [...list.querySelectorAll("[data-size]")].reduce((sum, one) => sum + Number(one.dataset.size), 0);

    function line(file) {
      const item = document.createElement("li");
      const name = document.createElement("bdi");
      name.textContent = file.name;
      const size = document.createElement("span");
      size.className = "soft";
      size.textContent = readable(file.size);
      const remove = document.createElement("button");
      Object.assign(remove, { type: "button", className: "plain", textContent: "×" });
      remove.setAttribute("aria-label", `Remove ${file.name}`);
      remove.dataset.remove = "";
      item.append(name, size, remove);
      item.dataset.size = file.size;
      list.append(item);
      return item;
    }

    function fail(item, words) {
      item.classList.add("failed");
      delete item.dataset.size;
      item.querySelector(".soft").textContent = words;
      item.querySelector("progress")?.remove();
    }

    function upload(file) {
      const before = held();
      const item = line(file);
      if (before + file.size > most) { fail(item, `too large: files have at most ${readable(most)} together`); return; }
      const bar = document.createElement("progress");
      Object.assign(bar, { max: 1, value: 0 });
      bar.setAttribute("aria-label", `Uploading ${file.name}`);
      item.append(bar);
      const body = new FormData();
      body.append("csrf", token.value);
      body.append("upload", file, file.name || "picture.png");
      const request = new XMLHttpRequest();
      request.open("POST", form.dataset.upload);
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
      request.addEventListener("load", () => {
        const stored = request.status === 200 && request.response?.files?.[0];
        if (!stored) { fail(item, "not uploaded: try again"); return; }
        bar.remove();
        const field = document.createElement("input");
        Object.assign(field, { type: "hidden", name: `file-${place++}`, value: stored.token });
        item.append(field);
        changed();
      });
      request.addEventListener("error", () => fail(item, "not uploaded: the network is away"));
      request.send(body);
    }

    input.addEventListener("change", () => { [...input.files].forEach(upload); input.value = ""; text.focus(); });
    form.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files || [])];
      if (files.length) { event.preventDefault(); files.forEach(upload); }
    });
    form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("dropping"); });
    form.addEventListener("dragleave", () => form.classList.remove("dropping"));
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      form.classList.remove("dropping");
      [...event.dataTransfer.files].forEach(upload);
    });
    list.addEventListener("click", (event) => {
      if (event.target.closest("[data-remove]")) { event.target.closest("li").remove(); changed(); text.focus(); }
    });
    form.addEventListener("submit", (event) => {
      if (list.querySelector("progress")) {
        event.preventDefault();
        event.stopImmediatePropagation();
        alert("A file is still being uploaded.");
      }
    }, true);
  }
}
