// The messages of one place: bubbles in order, day lines, groups, marks.

import { h, icon, onTouch } from "./dom.js";
import { withAnswer } from "./text.js";

const GROUP_MINUTES = 5;
const QUIET = /^\/(back|skip|later|human|help|cancel|menu|language|privacy)$/;
const CLOSE_TO_END = 80;
const LONG_PRESS = 450;

export class Log {
  // With `actions` every option stays usable; otherwise they answer a question, once.
  // `describe(message)` says how a message looks here: {kind, side, name, text, label, own} or null for hidden.
  constructor({ words, describe, onChoose, onCommand, onEdit, onReply, onRetry, mediaUrl, actions = false }) {
    Object.assign(this, { words, describe, onChoose, onCommand, onEdit, onReply, onRetry, mediaUrl, actions });
    this.items = new Map();
    this.ready = false;
    this.list = h("div", { class: "list" });
    this.dots = h("div", { class: "row theirs typing first", hidden: true },
      h("div", { class: "bubble" }, h("span", { class: "sr", "data-t": "typing" }),
        h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"))));
    this.scroller = h("div", { class: "log", role: "log", "aria-live": "off", "data-label": "messages", tabindex: "0" },
      this.list, this.dots);
    this.jump = h("button", { type: "button", class: "jump", "data-label": "newer", hidden: true, onclick: () => this.toEnd(true) }, icon("down"));
    this.root = h("div", { class: "stream" }, this.scroller, this.jump);
    this.scroller.addEventListener("scroll", () => { this.jump.hidden = this.atEnd(); }, { passive: true });
    new ResizeObserver(() => { if (this.sticky) this.toEnd(); }).observe(this.scroller);
    this.scroller.addEventListener("scroll", () => { this.sticky = this.atEnd(); }, { passive: true });
    this.sticky = true;
  }

  clear() {
    this.items.clear();
    this.list.replaceChildren();
    this.typing(false);
    this.ready = false;
    this.sticky = true;
    this.scroller.setAttribute("aria-live", "off");
  }

  fill(messages) {
    this.clear();
    for (const message of messages) this.put(message);
    this.finish();
  }

  finish() {
    this.arrange();
    this.ready = true;
    this.toEnd();
    // Screen readers hear what is new, not all that was there.
    setTimeout(() => this.scroller.setAttribute("aria-live", "polite"), 500);
  }

  put(message) {
    const sticky = this.sticky;
    const look = this.describe(message);
    let item = this.items.get(message.id);
    const isNew = !item;
    if (isNew) {
      item = { message, look, row: null };
      this.items.set(message.id, item);
    }
    Object.assign(item, { message, look });
    if (look) {
      const row = this.row(item);
      if (item.row) this.exchange(item.row, row);
      else row.classList.toggle("new", this.ready);
      item.row = row;
    } else if (item.row) {
      item.row.remove();
      item.row = null;
    }
    if (!this.ready) return;
    this.arrange();
    if (sticky || look?.own) this.toEnd(false, isNew ? item : null);
  }

  refresh() {
    for (const item of this.items.values()) {
      if (item.row) this.put(item.message);
    }
  }

  exchange(before, after) {
    const had = before.contains(document.activeElement);
    const options = before.querySelector(".options.chosen");
    if (options && !after.querySelector(".options")) {
      options.classList.add("leaving");
      after.querySelector(".bubble").after(options);
      setTimeout(() => options.remove(), 420);
    }
    before.replaceWith(after);
    if (had) (after.querySelector(".option:not(:disabled)") ?? this.scroller).focus({ preventScroll: true });
    if (had && !after.querySelector(".option")) this.wantsFocus = Date.now();
  }

  sorted() {
    return [...this.items.values()].filter((item) => item.row).sort((a, b) => a.message.order - b.message.order);
  }

  // Puts the rows in order, with a line for each day and the corners of each group.
  arrange() {
    let previous = null;
    let day = "";
    const wanted = [];
    for (const item of this.sorted()) {
      const { message, look, row } = item;
      const at = new Date(message.at);
      const today = this.words.date.format(at);
      if (today !== day) {
        day = today;
        previous = null;
        wanted.push(this.dayLine(today));
      }
      const same = previous && look.group && previous.look.group === look.group
        && at - new Date(previous.message.at) < GROUP_MINUTES * 60000;
      row.classList.toggle("first", !same);
      row.classList.add("last");
      if (same) previous.row.classList.remove("last");
      previous = item;
      wanted.push(row);
    }
    wanted.forEach((element, index) => {
      const there = this.list.children[index];
      if (there === element) return;
      if (there && there.classList.contains("day") && element.classList.contains("day")
        && there.textContent === element.textContent) return;
      this.list.insertBefore(element, there ?? null);
    });
    while (this.list.children.length > wanted.length) this.list.lastChild.remove();
    this.marks();
  }

  dayLine(text) {
    return h("div", { class: "day" }, h("span", {}, text));
  }

  // A choice has no bubble of its own: it is the mark on what was pressed.
  marks() {
    for (const { message } of this.items.values()) {
      if (message.from !== "person" || !message.choice || !message.pressed) continue;
      const options = this.items.get(message.pressed)?.row?.querySelector(".options");
      if (options && message.state !== "failed") markChosen(options, message.choice, this.actions);
    }
  }

  row({ message, look }) {
    const bubble = h("div", { class: "bubble" });
    const row = h("div", { class: `row ${look.side} ${look.kind}`, "data-id": message.id }, bubble);
    if (look.name) bubble.append(h("div", { class: "name" }, look.nameIcon ? icon(look.nameIcon) : null, h("bdi", {}, look.name)));
    if (look.label) {
      bubble.append(h("div", { class: "kind" }, icon(look.labelIcon), h("span", { "data-t": look.label })));
    }
    const quoted = message.reply_to && this.items.get(message.reply_to);
    if (quoted?.look) bubble.append(h("div", { class: "quote", dir: "auto" }, quoted.look.text || "…"));
    if (message.file) bubble.append(this.file(message));
    if (message.media) bubble.append(this.media(message));
    if (look.text) {
      const id = `text-${message.id}`;
      bubble.append(h("div", { class: "text", dir: "auto", id }, withAnswer(look.text, look.commands ? this.onCommand : null)));
    }
    bubble.append(this.foot(message, look));
    const menu = this.menuFor(message, look);
    if (menu) bubble.append(menu);
    if (message.options?.length) row.append(this.options(message));
    return this.words.apply(row);
  }

  foot(message, look) {
    const at = new Date(message.at);
    const foot = h("div", { class: "foot" });
    if (message.edited) foot.append(h("span", { "data-t": "edited" }));
    foot.append(h("time", { datetime: message.at }, this.words.clock.format(at)));
    if (look.fate) foot.append(h("span", { class: `fate ${look.fate.state}` }, look.fate.icon ? icon(look.fate.icon) : null, h("span", { dir: "auto" }, look.fate.text)));
    else if (look.own && look.state) {
      const marks = { waiting: "clock", pending: "clock", stored: "tick", handled: "ticks", failed: "failed" };
      const name = look.state === "pending" ? "waiting" : look.state;
      foot.append(h("span", { class: `mark ${name}`, role: "img", "data-label": name }, icon(marks[look.state])));
    }
    if (message.problem) foot.prepend(h("span", { class: "problem", dir: "auto" }, message.problem));
    return foot;
  }

  file(message) {
    const { file } = message;
    const address = this.mediaUrl(message);
    const name = file.name || "…";
    if (/^image\/(jpeg|png|gif|webp)$/.test(file.type ?? "")) {
      return h("a", { class: "picture", href: address, target: "_blank", rel: "noopener" },
        h("img", { src: address, alt: name, loading: "lazy" }));
    }
    return h("a", { class: "file", href: address, download: file.name || "file" },
      h("span", { class: "file-icon" }, icon(file.kind in { voice: 1, video: 1 } ? file.kind : "document")),
      h("span", { class: "file-text" }, h("bdi", { class: "file-name" }, name),
        h("span", { class: "file-more" }, h("span", { "data-t": "download" }), ` · ${size(file.size ?? 0)}`)));
  }

  media(message) {
    const { media, preview } = message;
    if (preview) return h("div", { class: "picture" }, h("img", { src: preview, alt: media.name ?? "" }));
    return h("div", { class: "file" },
      h("span", { class: "file-icon" }, icon(media.kind)),
      h("span", { class: "file-text" }, h("span", { class: "file-name", "data-t": media.kind }),
        media.name ? h("bdi", { class: "file-more" }, media.name) : null));
  }

  options(message) {
    const answers = message.options.filter((option) => !QUIET.test(option.id));
    const controls = message.options.filter((option) => QUIET.test(option.id));
    const group = h("div", { class: this.actions ? "options actions" : "options", role: "group" });
    if (message.text) group.setAttribute("aria-labelledby", `text-${message.id}`);
    else group.dataset.label = "choices";
    const row = (options, name) => {
      if (!options.length) return;
      group.append(h("div", { class: name }, ...options.map((option) => this.option(message, option, group))));
    };
    row(answers, `answers columns-${message.columns === 2 ? 2 : 1}`);
    row(controls, "controls");
    return group;
  }

  option(message, option, group) {
    return h("button", {
      type: "button",
      class: option.primary ? "option primary" : "option",
      "data-option": option.id,
      onclick: (event) => {
        if (group.classList.contains("chosen")) return;
        markChosen(group, option.id, this.actions);
        if (event.detail === 0) this.wantsFocus = Date.now();
        this.onChoose(message, option.id);
      },
    }, h("span", { class: "pick" }, icon("tick")), h("bdi", { dir: "auto" }, option.label));
  }

  menuFor(message, look) {
    const entries = [];
    if (look.editable && this.onEdit) entries.push(["edit", "pencil", () => this.onEdit(message)]);
    if (look.answerable && this.onReply) entries.push(["reply", "reply", () => this.onReply(message)]);
    if (look.state === "failed" && this.onRetry) entries.push(["retry", "send", () => this.onRetry(message)]);
    if (!entries.length) return null;
    if (look.text) entries.push(["copy", "copy", () => navigator.clipboard?.writeText(look.text)]);
    const [first] = entries;
    const direct = look.answerable && h("button", { type: "button", class: "act", "data-label": first[0], onclick: first[2] }, icon(first[1]));
    const list = h("div", { class: "menu", hidden: true }, ...entries.map(([name, picture, act]) =>
      h("button", { type: "button", onclick: () => { close(); act(); } }, icon(picture), h("span", { "data-t": name }))));
    const button = h("button", { type: "button", class: "act", "data-label": "more", "aria-expanded": "false", "aria-haspopup": "true" }, icon("more"));
    const wrap = h("div", { class: direct ? "acts two" : "acts" }, direct || null, button, list);
    const outside = (event) => { if (!wrap.contains(event.target)) close(); };
    const close = () => {
      list.hidden = true;
      button.setAttribute("aria-expanded", "false");
      document.removeEventListener("pointerdown", outside);
    };
    const open = () => {
      list.hidden = false;
      button.setAttribute("aria-expanded", "true");
      document.addEventListener("pointerdown", outside);
      const room = this.scroller.getBoundingClientRect().bottom - wrap.getBoundingClientRect().bottom;
      list.classList.toggle("upwards", room < list.offsetHeight + 8);
      list.querySelector("button").focus({ preventScroll: true });
    };
    button.addEventListener("click", () => (list.hidden ? open() : close()));
    wrap.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || list.hidden) return;
      event.stopPropagation();
      close();
      button.focus();
    });
    // On touch a long press opens it too.
    let timer = 0;
    queueMicrotask(() => {
      const bubble = wrap.parentElement;
      bubble?.addEventListener("touchstart", () => { timer = setTimeout(open, LONG_PRESS); }, { passive: true });
      for (const name of ["touchend", "touchmove", "touchcancel"]) bubble?.addEventListener(name, () => clearTimeout(timer), { passive: true });
      bubble?.addEventListener("contextmenu", (event) => { if (onTouch()) event.preventDefault(); });
    });
    return wrap;
  }

  typing(on) {
    this.dots.hidden = !on;
    if (on && this.sticky) this.toEnd();
  }

  atEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < CLOSE_TO_END;
  }

  toEnd(smooth = false, item = null) {
    this.sticky = true;
    const { scroller } = this;
    let top = scroller.scrollHeight;
    // A message higher than the window is read from its beginning.
    if (item?.row && !item.look.own && item.row.offsetHeight > scroller.clientHeight - 24) {
      top = item.row.offsetTop - 12;
      this.sticky = false;
    }
    scroller.scrollTo({ top, behavior: smooth ? "smooth" : "instant" });
    this.jump.hidden = true;
    // Whoever uses the keyboard goes on where the next question is.
    if (item?.row && this.wantsFocus && Date.now() - this.wantsFocus < 5000) {
      const next = item.row.querySelector(".option:not(:disabled)");
      if (next && !item.row.querySelector(".chosen")) {
        this.wantsFocus = 0;
        next.focus({ preventScroll: true });
      }
    }
  }
}

function markChosen(group, id, actions) {
  group.classList.toggle("chosen", !actions);
  for (const option of group.querySelectorAll(".option")) {
    const picked = option.dataset.option === id;
    if (actions) {
      if (picked) option.classList.add("picked");
      continue;
    }
    option.classList.toggle("picked", picked);
    option.setAttribute("aria-pressed", String(picked));
    option.setAttribute("aria-disabled", "true");
  }
}

export function unmark(root, messageId) {
  const group = root.querySelector(`[data-id="${CSS.escape(messageId)}"] .options`);
  group?.classList.remove("chosen");
  for (const option of group?.querySelectorAll(".option") ?? []) {
    option.classList.remove("picked");
    option.removeAttribute("aria-pressed");
    option.removeAttribute("aria-disabled");
  }
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
