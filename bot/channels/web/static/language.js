// The choice of language: shows the chosen one, with the browser's own list behind it.

import { h, icon } from "./dom.js";

export class LanguageChooser {
  constructor(languages, onChoice, short) {
    this.languages = languages;
    this.short = short;
    this.face = h("span", { "aria-hidden": "true" });
    this.select = h("select", { "data-label": "language", onchange: () => onChoice(this.select.value) },
      ...languages.map((language) => h("option", { value: language.code, lang: language.code.split("-")[0], dir: language.direction }, language.name)));
    this.root = h("label", { class: "language" }, icon("globe"), this.face, this.select);
  }

  show(code) {
    this.select.value = code;
    this.face.textContent = this.short(this.languages.find((language) => language.code === code));
  }
}
