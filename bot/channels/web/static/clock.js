// The time of the demo, and the buttons that move it.

import { h, icon, kept } from "./dom.js";
import { post } from "./stream.js";

export class Clock {
  constructor({ toast }) {
    this.toast = toast;
    this.ahead = 0;
    this.face = h("time", { class: "face", "aria-live": "off" });
    const button = (label, body) => h("button", { type: "button", onclick: () => this.move(body) }, h("bdi", { "data-t": label }));
    this.root = h("div", { class: "clock", role: "group", "data-label": "clock" },
      h("span", { class: "now" }, icon("clock"), this.face),
      button("ten_minutes", { minutes: 10 }), button("one_hour", { minutes: 60 }),
      button("next_service", { to: "next_service" }), button("one_day", { minutes: 1440 }));
    setInterval(() => this.show(), 1000);
    setInterval(() => this.ask(), 20000);
  }

  now() {
    return new Date(Date.now() + this.ahead);
  }

  useWords(words) {
    this.words = words;
    this.root.lang = words.language.replace("_", "-");
    words.apply(this.root);
    this.show();
  }

  show() {
    if (!this.words) return;
    const now = this.now();
    const text = `${this.words.weekday.format(now)}, ${this.words.clock.format(now)}`;
    if (this.face.textContent !== text) this.face.textContent = text;
    this.onTick?.(this.words.clock.format(now));
  }

  async ask() {
    const answer = await fetch("/time").catch(() => null);
    if (answer?.ok) this.set(await answer.json());
  }

  set({ now }) {
    this.ahead = new Date(now) - Date.now();
    this.show();
  }

  async move(body) {
    this.root.classList.add("busy");
    const answer = await post("/time", body).catch(() => null);
    this.root.classList.remove("busy");
    if (answer?.ok) this.set(answer.data);
    else this.toast(answer?.data?.error ?? this.words.say("not_now"));
  }
}

export function useTheme(change) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let theme = kept.get("theme", null);
  if (change) {
    theme = (theme ?? (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
    kept.set("theme", theme);
  }
  if (theme) document.documentElement.dataset.theme = theme;
}
