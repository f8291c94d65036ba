// What in a text can be tapped: telephone numbers, addresses of the web, commands of the bot.

import { h } from "./dom.js";

const EDGE = "[\\s\\u2066-\\u2069\\u200e\\u200f(„“\"«»:·,;.!?،؛؟]";
const WEB = "https?:\\/\\/[^\\s\\u2066-\\u2069<>\"]*[^\\s\\u2066-\\u2069<>\".,;:!?)]";
const COMMAND = "\\/[\\p{L}][\\p{L}_]{1,23}";
const SHORT_NUMBER = "116[ \\u00a0]?\\d{3}|11[02]";
const LONG_NUMBER = "(?:\\+\\d{1,3}|0)[ \\u00a0/-]?(?:\\(0\\)[ \\u00a0]?)?\\d(?:[ \\u00a0/-]{0,3}\\d){5,13}";
const TAPPABLE = new RegExp(
  `(?<=^|${EDGE})(?:(?<web>${WEB})|(?<command>${COMMAND})|(?<number>${LONG_NUMBER}|${SHORT_NUMBER}))(?=$|${EDGE}|\\))`,
  "gu",
);

export function tappable(text, onCommand) {
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(TAPPABLE)) {
    const { web, command, number } = found.groups;
    if (command && !onCommand) continue;
    if (number && /^[\d]+[.:]\d/.test(text.slice(found.index))) continue;
    parts.append(text.slice(end, found.index));
    end = found.index + found[0].length;
    if (web) parts.append(h("a", { href: web, target: "_blank", rel: "noopener noreferrer" }, web));
    else if (number) parts.append(h("a", { href: `tel:${number.replace(/\(0\)|[^\d+]/g, "")}`, class: "number" }, number));
    else parts.append(h("button", { type: "button", class: "link", dir: "ltr", onclick: () => onCommand(command) }, command));
  }
  parts.append(text.slice(end));
  return parts;
}

// A question that was answered ends with a line that tells the answer.
export function withAnswer(text, onCommand) {
  const [, question, answer] = /^([\s\S]*?)\s*\n(✓ [^\n]+)$/.exec(text) ?? [];
  if (!answer) return tappable(text, onCommand);
  const parts = tappable(question, onCommand);
  parts.append("\n", h("span", { class: "answer" }, answer));
  return parts;
}
