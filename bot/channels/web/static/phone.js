// The phone of a person: one chat with the bot and, when one is there, with a human.

import { h, icon, newId } from "./dom.js";
import { Composer } from "./composer.js";
import { LanguageChooser } from "./language.js";
import { Log, unmark } from "./log.js";
import { tappable } from "./text.js";

const LONGEST_WAIT = 9000;

export class Phone {
  constructor({ words, name, languages, simulated, say, toast, onLanguage, onTheme, query, buttons = [] }) {
    Object.assign(this, { words, name, say, toast, onLanguage, query });
    this.chat = "";
    this.order = 1e15;
    this.log = new Log({
      words,
      describe: (message) => this.describe(message),
      onChoose: (message, choice) => this.send({ choice, pressed: message.id }),
      onCommand: (command) => this.send({ text: command }),
      onEdit: (message) => this.edit(message),
      onRetry: (message) => this.retry(message),
      mediaUrl: (message) => `/media?${new URLSearchParams({ ...this.query(), message: message.id })}`,
    });
    this.composer = new Composer({
      words,
      simulated,
      onSend: ({ text, edits }) => this.send(edits ? { text, edits } : { text }),
      onMedia: (media, preview) => this.send({ media }, preview),
      onProblem: (label) => this.toast(this.words.say(label)),
      onEditLast: () => this.editLast(),
    });
    this.progress = h("div", { class: "progress", role: "progressbar", "aria-valuemin": "0", hidden: true }, h("div", { class: "bar" }));
    this.progressText = h("span", { class: "sr", role: "status" });
    this.emergency = h("p", { class: "emergency", dir: "auto" });
    // What the start button says; a link can bring more.
    this.opening = "/start";
    this.start = h("div", { class: "start", hidden: true },
      h("div", { class: "start-mark" }, icon("chat")),
      h("p", { class: "start-name", dir: "auto" }, name),
      h("button", { type: "button", class: "option primary", onclick: () => this.open(), "data-t": "start" }));
    this.chooser = new LanguageChooser(languages, (code) => this.chooseLanguage(code), (language) => language.code.split("-")[0].toUpperCase());
    this.who = h("bdi", {});
    this.root = h("section", { class: "phone", "data-label": "phone" },
      h("header", { class: "head" },
        h("span", { class: "avatar" }, icon("chat")),
        h("div", { class: "head-text" }, h("h1", {}, h("bdi", {}, name)), h("span", { class: "who" }, this.who)),
        this.chooser.root,
        h("button", { type: "button", class: "icon-button", "data-label": "appearance", onclick: onTheme }, icon("theme")),
        ...buttons),
      this.progress, this.progressText, this.emergency,
      h("div", { class: "offline", role: "status", hidden: true, "data-t": "connecting" }),
      this.log.root, this.start, this.composer.root);
    this.useWords(words);
  }

  useWords(words) {
    this.words = words;
    this.log.words = words;
    this.composer.words = words;
    this.root.lang = words.language.replace("_", "-");
    this.root.dir = words.direction;
    this.chooser.show(words.language);
    this.emergency.replaceChildren(tappable(words.emergency));
    this.emergency.hidden = !words.emergency;
    this.who.textContent = this.chatName?.() ?? words.say("program");
    this.log.refresh();
    this.log.arrange();
    words.apply(this.root);
    this.steps(this.step);
  }

  // The page speaks the language that the person reads in this chat.
  async chooseLanguage(code) {
    this.followed = code;
    await this.onLanguage(code);
    if (this.log.items.size) this.send({ choice: `/language ${code}` });
  }

  follow(messages) {
    const told = messages.findLast((message) => message.from === "bot" && message.language)?.language;
    if (!told || told === this.followed) return;
    this.followed = told;
    if (told !== this.words.language) this.onLanguage(told);
  }

  show(chat, messages) {
    this.followed = undefined;
    this.drafts ??= new Map();
    this.drafts.set(this.chat, this.composer.area.value);
    this.chat = chat;
    this.composer.forget();
    this.composer.area.value = this.drafts.get(chat) ?? "";
    this.composer.grow();
    this.step = null;
    this.log.fill(messages);
    this.words.apply(this.root);
    this.who.textContent = this.chatName?.() ?? this.words.say("program");
    this.status();
  }

  open() {
    this.send({ text: this.opening });
    this.opening = "/start";
    this.onOpened?.();
  }

  put(message) {
    const before = this.log.items.get(message.id)?.message;
    this.log.put(before?.preview ? { ...message, preview: before.preview } : message);
    if (message.from === "bot" || message.state === "handled") this.wait(false);
    this.status();
  }

  // What depends on all messages: the step, the start button, which of one's own are dealt with.
  status() {
    const messages = [...this.log.items.values()].map((item) => item.message).sort((a, b) => a.order - b.order);
    this.start.hidden = messages.length > 0 || !this.known;
    this.root.classList.toggle("empty", !this.start.hidden);
    const asked = messages.findLast((message) => message.from === "bot" && message.step);
    const over = !asked || (!asked.options?.length && messages.some((message) => message.from === "bot" && message.order > asked.order));
    this.steps(over ? null : asked.step);
    this.follow(messages);
  }

  steps(step) {
    this.step = step;
    this.progress.hidden = !step;
    const text = step ? this.words.say("step", { done: step[0], all: step[1] }) : "";
    if (this.progressText.textContent !== text) this.progressText.textContent = text;
    if (!step) return;
    this.progress.setAttribute("aria-label", text);
    this.progress.title = text;
    this.progress.setAttribute("aria-valuenow", step[0]);
    this.progress.setAttribute("aria-valuemax", step[1]);
    this.progress.firstChild.style.inlineSize = `${Math.min(100, (100 * step[0]) / Math.max(1, step[1]))}%`;
  }

  describe(message) {
    if (message.from === "bot") {
      const human = message.voice === "DESK";
      return {
        kind: human ? "human" : "bot", side: "theirs", group: human ? "human" : "bot",
        text: message.text ?? "", commands: true,
        label: human ? "human" : undefined, labelIcon: "contact",
      };
    }
    if (message.choice) return null;
    return {
      kind: "own", side: "mine", group: "mine", own: true, state: message.state,
      text: /^\/start\b/.test(message.text ?? "") ? this.words.say("start") : message.text ?? "", editable: Boolean(message.text) && !/^\/\p{L}/u.test(message.text) && message.state !== "failed",
    };
  }

  async send(what, preview) {
    const body = { id: newId(), language: this.words.language, ...what };
    const { chat } = this;
    if (!what.edits) {
      this.order += 1;
      const own = { id: body.id, order: this.order, at: this.now().toISOString(), from: "person", state: "waiting", chat, ...what, preview };
      if (own.media) own.media = { ...own.media, base64: undefined };
      this.remember(own);
      this.bodies ??= new Map();
      this.bodies.set(body.id, body);
    }
    this.wait(true);
    // Whoever answers wants to see what comes of it, wherever the pressed option stood.
    if (!what.edits) this.log.toEnd(true);
    await this.say(chat, body);
  }

  retry(message) {
    const body = this.bodies?.get(message.id);
    if (body) this.say(message.chat, body);
  }

  fate(id, state, sentence) {
    const item = this.log.items.get(id);
    if (sentence) this.toast(sentence);
    if (!item) {
      if (state === "failed") this.wait(false);
      return;
    }
    if (state === "failed") {
      this.wait(false);
      if (item.message.pressed) unmark(this.log.root, item.message.pressed);
    }
    if (item.message.state !== "waiting" && item.message.state !== "failed" && state !== "failed") return;
    this.remember({ ...item.message, state, problem: state === "failed" ? sentence : undefined });
  }

  wait(on) {
    clearTimeout(this.waiting);
    clearTimeout(this.dotsSoon);
    if (on) {
      // Dots that flash up for an instant only disturb.
      this.dotsSoon = setTimeout(() => this.log.typing(true), 250);
      this.waiting = setTimeout(() => this.log.typing(false), LONGEST_WAIT);
    } else {
      this.log.typing(false);
    }
  }

  edit(message) {
    this.composer.concern({ label: "editing", quote: message.text, edits: message.id, text: message.text });
  }

  editLast() {
    const last = this.log.sorted().findLast((item) => item.look.editable);
    if (last) this.edit(last.message);
    return Boolean(last);
  }
}
