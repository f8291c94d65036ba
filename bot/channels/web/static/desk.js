// The desk: the room and the cases on one side, one case with its card on the other.

import { h, icon, kept, newId } from "./dom.js";
import { Composer } from "./composer.js";
import { LanguageChooser } from "./language.js";
import { Log, unmark } from "./log.js";

const OPENS_SOON = 6000;
// What became of words for the person, as the `fate` of a status says; "kept" means that they stayed here as a note.
const FATES = { sent: ["stored", "tick"], delivered: ["handled", "ticks"], failed: ["failed", "failed"], kept: ["failed", "lock"] };
const OWN_COMMAND = /^\/(reply|note)\s+/;

export class Desk {
  constructor({ words, id, name, staff, say, toast, buttons = [], onLanguage, languages }) {
    Object.assign(this, { words, id, say, toast, staff, onLanguage });
    this.complete = new Set(languages.filter((language) => language.complete).map((language) => language.code));
    this.order = 1e15;
    this.messages = new Map();
    this.thread = "";
    this.read = kept.get(`read-${id}`, {});
    this.known = false;
    const shared = { words, actions: true, onCommand: (command) => this.send("", { text: command }), mediaUrl: (message) => this.mediaUrl(message) };
    this.room = new Log({ ...shared, describe: (message) => this.describeInRoom(message), onChoose: (message, choice) => this.choose(message, choice) });
    this.stream = new Log({
      ...shared,
      describe: (message) => this.describe(message),
      onChoose: (message, choice) => this.choose(message, choice),
      onReply: (message) => this.answer(message),
      onEdit: (message) => this.edit(message),
      onCommand: (command) => this.send(this.thread, { text: command }),
    });
    this.roomComposer = new Composer({ words, onSend: ({ text }) => this.send("", { text }) });
    this.modes = this.modeSwitch();
    this.hint = h("p", { class: "hint", hidden: true }, icon("lock"), h("span", { "data-t": "command" }));
    this.composer = new Composer({ words, before: [this.modes, this.hint], onSend: (what) => this.write(what) });
    this.composer.area.addEventListener("input", () => this.showHint());
    this.cases = h("ul", { class: "cases" });
    this.noCases = h("p", { class: "none", "data-t": "no_cases" });
    // Where there is little room, the card shows its first line until somebody wants more.
    const small = matchMedia("(max-width: 26em), (max-height: 40em)").matches;
    this.card = h("section", { class: small ? "card folded" : "card", "data-label": "card", hidden: true });
    this.banner = h("div", { class: "banner", role: "status", hidden: true });
    this.title = h("h2", { dir: "auto" });
    this.chooser = new LanguageChooser(languages, (code) => this.chooseLanguage(code), (language) => language.name);
    this.choose_ = h("div", { class: "choose" }, icon("desk"), h("p", { "data-t": "choose_case" }));
    this.caseBody = h("div", { class: "case-body", hidden: true },
      h("header", { class: "case-head" },
        h("button", { type: "button", class: "icon-button to-room", "data-label": "back", onclick: () => this.open("") }, icon("back")),
        this.title),
      this.card, this.banner, this.stream.root, this.composer.root);
    this.root = h("section", { class: "desk", "data-label": "desk" },
      h("header", { class: "desk-head" },
        h("span", { class: "avatar" }, icon("desk")),
        h("div", { class: "head-text" }, h("h1", {}, h("span", { "data-t": "desk" }), h("span", { class: "point" }, " · ", h("bdi", {}, name)))),
        this.person(), this.chooser.root, ...buttons),
      h("div", { class: "offline", role: "status", hidden: true, "data-t": "connecting" }),
      h("div", { class: "desk-body" },
        h("div", { class: "room" },
          h("nav", { class: "threads", "data-label": "cases" }, h("h2", { "data-t": "cases" }), this.cases, this.noCases),
          h("section", { class: "room-stream", "data-label": "room" }, h("h2", {}, icon("room"), h("span", { "data-t": "room" })), this.room.root, this.roomComposer.root)),
        h("div", { class: "case" }, this.choose_, this.caseBody)));
    this.setMode("note");
    this.useWords(words);
  }

  useWords(words) {
    this.words = words;
    for (const part of [this.room, this.stream, this.composer, this.roomComposer]) part.words = words;
    this.root.lang = words.language.replace("_", "-");
    this.root.dir = words.direction;
    this.chooser.show(words.language);
    for (const log of [this.room, this.stream]) {
      log.refresh();
      log.arrange();
    }
    words.apply(this.root);
    this.showCases();
    this.showCase();
    this.showStaff?.();
  }

  // Who writes: one of the demo's staff, whose name can be changed, or the name given at the door.
  person() {
    const names = kept.get("staff-names", {});
    this.me = kept.get("staff", this.staff[0]);
    if (!this.staff.includes(this.me)) [this.me] = this.staff;
    const nameOf = (key) => {
      names[key] ??= this.words.roles[key] ?? key;
      return names[key];
    };
    this.by = () => nameOf(this.me);
    const field = h("input", { class: "name-field", "data-label": "your_name", maxlength: "60", hidden: true, autocomplete: "off" });
    const select = h("select", { "data-label": "you_are", onchange: () => { this.me = select.value; kept.set("staff", this.me); this.refresh(); } });
    const change = h("button", { type: "button", class: "icon-button", "data-label": "your_name" }, icon("pencil"));
    const finish = () => {
      if (field.hidden) return;
      const name = field.value.replace(/\s+/g, " ").trim();
      if (name) names[this.me] = name;
      kept.set("staff-names", names);
      field.hidden = true;
      select.hidden = false;
      this.showStaff();
      this.refresh();
    };
    change.addEventListener("click", () => {
      if (!field.hidden) return finish();
      field.value = nameOf(this.me);
      field.hidden = false;
      select.hidden = true;
      field.select();
      return undefined;
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") finish(); });
    field.addEventListener("blur", finish);
    this.showStaff = () => {
      select.replaceChildren(...this.staff.map((key) => h("option", { value: key }, nameOf(key))));
      select.value = this.me;
    };
    this.showStaff();
    return h("div", { class: "you" }, icon("contact"), select, field, change);
  }

  refresh() {
    this.room.fill(this.of(""));
    this.stream.fill(this.of(this.thread));
    this.showCase();
  }

  of(thread) {
    return [...this.messages.values()].filter((message) => (message.thread ?? "") === thread).sort((a, b) => a.order - b.order);
  }

  clear() {
    this.messages.clear();
    this.room.clear();
    this.stream.clear();
    this.known = false;
  }

  ready() {
    this.known = true;
    this.follow();
    this.refresh();
    this.showCases();
  }

  // The page speaks the language that the team reads.
  async chooseLanguage(code) {
    this.followed = code;
    await this.onLanguage(code);
    if (this.complete.has(code) && this.messages.size) this.send("", { choice: `/language ${code}` });
  }

  follow() {
    const told = [...this.messages.values()].sort((a, b) => a.order - b.order).findLast((message) => message.from === "bot" && message.language)?.language;
    if (!told || told === this.followed) return;
    this.followed = told;
    if (told !== this.words.language) this.onLanguage(told);
  }

  put(message) {
    this.messages.set(message.id, message);
    if (!this.known) return;
    if (message.from === "bot") this.follow();
    const thread = message.thread ?? "";
    if (thread === "") this.room.put(message);
    if (thread !== "" && this.opensSoon > Date.now() && message.style === "CARD") {
      this.opensSoon = 0;
      this.open(thread);
    } else if (thread !== "" && thread === this.thread) {
      this.stream.put(message);
      const told = message.about && this.messages.get(message.about);
      if (told) this.stream.put(told);
      this.showCase();
    }
    this.showCases();
  }

  open(thread) {
    this.drafts ??= new Map();
    this.drafts.set(this.thread, this.composer.area.value);
    this.thread = thread;
    this.composer.forget();
    this.composer.area.value = this.drafts.get(thread) ?? "";
    this.composer.grow();
    this.composer.area.dispatchEvent(new Event("input"));
    this.stream.fill(this.of(thread));
    this.root.classList.toggle("at-case", thread !== "");
    this.showCase();
    this.setMode(this.talking() === "me" ? "reply" : "note");
    this.showCases();
    this.showHint();
  }

  showCases() {
    const threads = new Map();
    for (const message of this.messages.values()) {
      const thread = message.thread ?? "";
      if (!thread) continue;
      const about = threads.get(thread) ?? { last: 0, at: "", fresh: 0, talk: false };
      if (message.order > about.last && message.order < 1e15) Object.assign(about, { last: message.order, at: message.at });
      if (message.style === "CARD") about.talk = (message.options ?? []).some((option) => option.id === "/quiet");
      threads.set(thread, about);
    }
    if (this.thread && threads.has(this.thread)) {
      this.read[this.thread] = threads.get(this.thread).last;
      kept.set(`read-${this.id}`, this.read);
    }
    for (const message of this.messages.values()) {
      const about = threads.get(message.thread ?? "");
      if (about && message.style === "FROM_REPORTER" && message.order > (this.read[message.thread] ?? 0)) about.fresh += 1;
    }
    const inOrder = [...threads].sort(([, a], [, b]) => b.last - a.last);
    const had = this.cases.contains(document.activeElement) ? document.activeElement.dataset.thread : null;
    this.cases.replaceChildren(...inOrder.map(([thread, about]) => h("li", {},
      h("button", { type: "button", "data-thread": thread, class: about.fresh ? "fresh" : "", "aria-current": thread === this.thread ? "true" : undefined, onclick: () => this.open(thread) },
        about.talk ? icon("voice") : icon("chat"),
        h("bdi", { class: "ref" }, thread),
        h("time", { datetime: about.at }, about.at ? this.moment(new Date(about.at)) : ""),
        about.fresh ? h("span", { class: "badge", "data-label": "unread", "data-values": JSON.stringify({ n: about.fresh }), role: "img" }, String(about.fresh)) : null))));
    this.noCases.hidden = threads.size > 0;
    this.words.apply(this.cases);
    if (had !== null) [...this.cases.querySelectorAll("button")].find((button) => button.dataset.thread === had)?.focus();
  }

  moment(at) {
    const { words } = this;
    const same = words.date.format(at) === words.date.format(this.now?.() ?? new Date());
    return same ? words.clock.format(at) : words.weekday.format(at);
  }

  showCase() {
    const { thread } = this;
    this.choose_.hidden = Boolean(thread);
    this.caseBody.hidden = !thread;
    if (!thread) return;
    this.title.dataset.t = "case";
    this.title.dataset.values = JSON.stringify({ ref: thread });
    this.words.apply(this.title);
    const card = this.of(thread).findLast((message) => message.style === "CARD");
    this.showCard(card);
    this.showBanner(card);
  }

  showCard(card) {
    this.card.hidden = !card;
    if (!card) return;
    const shown = JSON.stringify(card);
    if (this.card.dataset.shown === shown && this.cardWords === this.words) return;
    this.card.dataset.shown = shown;
    this.cardWords = this.words;
    const [first, ...rest] = (card.text ?? "").split("\n");
    const more = rest.join("\n").trim();
    const body = h("div", { class: "card-text", dir: "auto", id: "card-text" }, more);
    const folded = this.card.classList.contains("folded");
    const fold = h("button", { type: "button", class: "icon-button fold", "data-label": "card", "aria-expanded": String(!folded), "aria-controls": "card-text",
      onclick: () => fold.setAttribute("aria-expanded", String(!this.card.classList.toggle("folded"))) }, icon("more"));
    const had = this.card.contains(document.activeElement) ? document.activeElement.dataset.option : null;
    this.card.replaceChildren(
      h("div", { class: "card-head" }, h("h3", { dir: "auto" }, first), more ? fold : null), more ? body : "",
      h("div", { class: "row", "data-id": card.id }, card.options?.length ? this.stream.options(card) : ""));
    this.words.apply(this.card);
    if (had) (this.card.querySelector(`[data-option="${CSS.escape(had)}"]`) ?? this.card.querySelector("button"))?.focus();
  }

  // Who is in a live chat in this thread: "me", a colleague's name, or nobody ("").
  talking() {
    const messages = this.of(this.thread);
    const card = messages.findLast((message) => message.style === "CARD");
    if (!(card?.options ?? []).some((option) => option.id === "/quiet")) return "";
    const started = messages.findLast((message) => message.from === "person" && (message.choice === "/talk" || /^\/talk\b/.test(message.text ?? "")));
    return !started || started.by === this.by() ? "me" : started.by;
  }

  showBanner(card) {
    const talker = this.talking();
    this.banner.hidden = !talker;
    this.card.classList.toggle("live-card", talker === "me");
    this.caseBody.classList.toggle("live", talker === "me");
    if (talker !== this.talker) {
      this.talker = talker;
      this.setMode(talker === "me" ? "reply" : "note");
    }
    if (!talker) return;
    const mine = talker === "me";
    const shown = `${mine}${talker}${card.id}${this.words.language}`;
    if (this.banner.dataset.shown === shown) return;
    this.banner.dataset.shown = shown;
    this.banner.replaceChildren(
      h("span", { class: "live-dot", "aria-hidden": "true" }),
      h("strong", { "data-t": mine ? "talking" : "other_talks", "data-values": JSON.stringify({ name: talker }) }),
      h("button", { type: "button", class: "option", "data-t": "end_talk", onclick: () => this.choose(card, "/quiet") }));
    if (!mine) this.banner.lastChild.remove();
    this.words.apply(this.banner);
  }

  modeSwitch() {
    const choice = (mode, picture, label, more) => h("label", { class: `mode ${mode}` },
      h("input", { type: "radio", name: "mode", value: mode, onchange: () => this.setMode(mode, true) }),
      icon(picture), h("span", {}, h("strong", { "data-t": label }), " ", h("span", { class: "mode-more" }, "(", h("span", { "data-t": more }), ")")));
    return h("div", { class: "modes", role: "radiogroup", "data-label": "send" },
      choice("note", "lock", "note", "stays"), choice("reply", "out", "reply", "goes"));
  }

  setMode(mode, byHand = false) {
    this.mode = mode;
    for (const input of this.modes.querySelectorAll("input")) input.checked = input.value === mode;
    this.composer.root.classList.toggle("going-out", mode === "reply");
    if (byHand) {
      if (mode === "note" && this.composer.context?.reply_to) this.composer.forget();
      this.composer.area.focus();
    }
  }

  showHint() {
    const command = /^\/\p{L}/u.test(this.composer.area.value);
    this.hint.hidden = !command || /^\/(reply|note)\b/.test(this.composer.area.value);
  }

  answer(message) {
    this.setMode("reply");
    this.composer.concern({ label: "answering", quote: message.text ?? "…", reply_to: message.id });
  }

  edit(message) {
    const text = (message.text ?? "").replace(OWN_COMMAND, "");
    this.setMode(this.isOut(message) ? "reply" : "note");
    this.composer.concern({ label: "editing", quote: text, edits: message.id, text });
  }

  // A reply stays a reply when it is changed, a note stays a note.
  commandOf(id) {
    return OWN_COMMAND.exec(this.messages.get(id)?.text ?? "")?.[0] ?? "";
  }

  fateOf(message) {
    return [...this.messages.values()].findLast((other) => other.about === message.id && other.style === "STATUS");
  }

  isOut(message) {
    const fate = this.fateOf(message)?.fate;
    if (fate === "kept") return false;
    return ["sent", "delivered", "failed"].includes(fate) || /^\/reply\s/.test(message.text ?? "") || Boolean(message.reply_to);
  }

  // What the switch says is what happens: a reply says so itself, whatever the state of the case.
  write({ text, edits, reply_to }) {
    if (edits) return this.send(this.thread, { text: this.commandOf(edits) + text, edits });
    if (/^\/\p{L}/u.test(text)) return this.send(this.thread, { text });
    if (reply_to) return this.send(this.thread, { text, reply_to });
    if (this.mode === "reply") return this.send(this.thread, { text: `/reply ${text}` });
    return this.send(this.thread, { text: this.talking() ? `/note ${text}` : text });
  }

  choose(message, choice) {
    if (!message.thread) {
      this.opensSoon = Date.now() + OPENS_SOON;
      const [, ref] = /^\/open[ :]+(\S+)$/.exec(choice) ?? [];
      if (ref && this.of(ref).some((other) => other.style === "CARD")) this.open(ref);
    }
    return this.send(message.thread ?? "", { choice, pressed: message.id });
  }

  send(thread, what) {
    const body = { id: newId(), desk: this.id, by: this.by(), language: this.words.language, ...(thread ? { thread } : {}), ...what };
    if (!thread && /^\/open\b/.test(what.text ?? "")) this.opensSoon = Date.now() + OPENS_SOON;
    if (!what.edits) {
      this.order += 1;
      this.put({ ...what, id: body.id, order: this.order, at: this.now().toISOString(), from: "person", state: "waiting", chat: "", thread, by: body.by });
    }
    return this.say(body);
  }

  fate(id, state, sentence) {
    if (sentence) this.toast(sentence);
    const message = this.messages.get(id);
    if (!message) return;
    if (state === "failed" && message.pressed) unmark(this.root, message.pressed);
    if (message.state !== "waiting" && state !== "failed") return;
    this.put({ ...message, state, problem: state === "failed" ? sentence : undefined });
  }

  mediaUrl(message) {
    return `/media?${new URLSearchParams({ desk: this.id, message: message.id })}`;
  }

  describeInRoom(message) {
    if (message.from === "person") {
      if (message.choice) return null;
      const mine = message.by === this.by();
      return { kind: "staff", side: mine ? "mine" : "theirs", group: `staff ${message.by}`, own: mine, state: message.state, text: message.text ?? "", name: mine ? undefined : message.by };
    }
    if (message.style === "STATUS") return { kind: "status", side: "middle", text: message.text ?? "" };
    return { kind: "notice", side: "theirs", group: "bot", text: message.text ?? "", commands: true };
  }

  describe(message) {
    if (message.from === "person") return message.choice ? null : this.describeStaff(message);
    const text = message.text ?? "";
    const told = message.about && this.messages.get(message.about);
    switch (message.style) {
      case "CARD":
        return null;
      case "FROM_REPORTER":
        return { kind: "from-reporter", side: "theirs", group: "reporter", text, label: "from_person", labelIcon: "contact", answerable: true };
      case "TO_REPORTER":
        return { kind: "to-reporter", side: "mine", group: "out", text, label: "goes_out", labelIcon: "out" };
      case "NOTE":
        return { kind: "note", side: "mine", group: "note", text, label: "note_stays", labelIcon: "lock" };
      case "STATUS":
        return told ? null : { kind: "status", side: "middle", text };
      default:
        return { kind: "notice", side: "theirs", group: "bot", text, commands: true };
    }
  }

  describeStaff(message) {
    const mine = message.by === this.by();
    const [, command, rest] = /^\/(\p{L}+)\s*([\s\S]*)$/u.exec(message.text ?? "") ?? [];
    const status = this.fateOf(message);
    const [state, picture] = FATES[status?.fate] ?? ["told", ""];
    const fate = status && { state, icon: picture, text: status.text };
    const words = command === "reply" || command === "note" ? rest : message.text ?? "";
    const shared = {
      side: mine ? "mine" : "theirs", own: mine, state: message.state, name: mine ? undefined : message.by, fate,
      text: words, editable: mine && Boolean(words),
    };
    if (this.isOut(message)) {
      return { ...shared, kind: "to-reporter", group: `out ${message.by}`, label: "goes_out", labelIcon: "out" };
    }
    if (command && command !== "note" && status?.fate !== "kept") {
      return { ...shared, kind: "command", group: `command ${message.by}`, text: message.text, editable: false };
    }
    return { ...shared, kind: "note", group: `note ${message.by}`, label: "note_stays", labelIcon: "lock" };
  }
}
