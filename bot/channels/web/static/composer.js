// Where one writes: grows with the text; Enter sends, on touch the button does.

import { h, icon, onTouch } from "./dom.js";

const LONGEST = 20000;
const LARGEST = 6 * 1024 * 1024;

export class Composer {
  // `onSend({text, edits, reply_to})`, `onMedia({kind, name, type, base64}, preview)`.
  constructor({ words, onSend, onMedia, onProblem, onEditLast, before = [], simulated = false }) {
    Object.assign(this, { words, onSend, onMedia, onProblem, onEditLast, simulated });
    this.context = null;
    this.area = h("textarea", {
      rows: "1", maxlength: String(LONGEST), dir: "auto", enterkeyhint: onTouch() ? "enter" : "send",
      "data-label": "message", "data-hint": "message", autocomplete: "off",
      onkeydown: (event) => this.key(event), oninput: () => this.grow(),
    });
    this.submit = h("button", { type: "submit", class: "send", "data-label": "send" }, icon("send"));
    this.about = h("div", { class: "about", hidden: true });
    this.attach = onMedia ? this.attachMenu() : null;
    this.root = h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.send(); } },
      ...before, this.about, h("div", { class: "line" }, this.attach, this.area, this.submit));
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !onTouch()) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.context) {
      this.forget();
    } else if (event.key === "ArrowUp" && !this.area.value && this.onEditLast?.()) {
      event.preventDefault();
    }
  }

  grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${this.area.scrollHeight + 2}px`;
    this.root.classList.toggle("filled", this.area.value.trim() !== "");
  }

  send() {
    const text = this.area.value.trim();
    if (!text) return;
    const { context } = this;
    this.onSend({ text, edits: context?.edits ?? "", reply_to: context?.reply_to ?? "" });
    this.area.value = "";
    this.forget();
    this.area.dispatchEvent(new Event("input"));
    this.area.focus();
  }

  // Shows that the text changes or answers an earlier message.
  concern({ label, quote, edits = "", reply_to = "", text }) {
    this.context = { edits, reply_to };
    this.about.replaceChildren(
      h("span", { class: "about-icon" }, icon(edits ? "pencil" : "reply")),
      h("span", { class: "about-text" }, h("strong", { "data-t": label }), h("span", { dir: "auto" }, quote)),
      h("button", { type: "button", class: "icon-button", "data-label": "cancel", onclick: () => this.forget() }, icon("close")));
    this.words.apply(this.about);
    this.about.hidden = false;
    if (text !== undefined) {
      this.area.value = text;
      this.grow();
    }
    this.area.focus();
  }

  forget() {
    if (this.context?.edits) {
      this.area.value = "";
      this.grow();
    }
    this.context = null;
    this.about.hidden = true;
  }

  attachMenu() {
    const entries = [["photo", "image/*"], ["voice", "audio/*"], ["document", ""]];
    const list = h("div", { class: "menu", hidden: true });
    const button = h("button", { type: "button", class: "icon-button clip", "data-label": "attach", "aria-expanded": "false", "aria-haspopup": "true" }, icon("clip"));
    const wrap = h("div", { class: "attach" }, button, list);
    const close = () => {
      list.hidden = true;
      button.setAttribute("aria-expanded", "false");
    };
    for (const [kind, accept] of entries) {
      const input = h("input", { type: "file", accept, hidden: true, tabindex: "-1", "data-kind": kind, onchange: () => { this.take(kind, input); } });
      const act = () => { close(); if (kind === "voice" && this.simulated) this.pretend("voice"); else input.click(); };
      list.append(h("button", { type: "button", onclick: act }, icon(kind), h("span", { "data-t": kind })), input);
    }
    if (this.simulated) {
      list.append(h("button", { type: "button", onclick: () => { close(); this.pretend("location"); } }, icon("location"), h("span", { "data-t": "location" })));
    }
    button.addEventListener("click", () => {
      list.hidden = !list.hidden;
      button.setAttribute("aria-expanded", String(!list.hidden));
      if (!list.hidden) list.querySelector("button").focus();
    });
    wrap.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || list.hidden) return;
      close();
      button.focus();
    });
    document.addEventListener("pointerdown", (event) => { if (!wrap.contains(event.target)) close(); });
    return wrap;
  }

  // The demo sends no real voice and no real place.
  pretend(kind) {
    this.onMedia({ kind, ...(kind === "voice" ? { type: "audio/ogg", base64: btoa("OggS") } : {}) });
  }

  async take(kind, input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    if (file.size > LARGEST) {
      this.onProblem("too_big");
      return;
    }
    const base64 = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(String(reader.result).split(",")[1] ?? "");
      reader.readAsDataURL(file);
    });
    const type = /^[\w.+-]+\/[\w.+-]+$/.test(file.type) ? file.type : "application/octet-stream";
    const preview = kind === "photo" && /^image\/(jpeg|png|gif|webp)$/.test(type) ? URL.createObjectURL(file) : undefined;
    const name = file.name.replace(/\p{Cc}/gu, "").trim().slice(-200).trim();
    this.onMedia({ kind, name, type, base64 }, preview);
  }
}
