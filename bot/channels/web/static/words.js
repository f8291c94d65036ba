// The page's own words in one language, and how they get into its elements.

const loaded = new Map();

export class Words {
  constructor(data) {
    this.language = data.language;
    this.direction = data.direction;
    this.emergency = data.emergency;
    this.roles = data.roles;
    this.labels = data.labels;
    try {
      this.locale = Intl.getCanonicalLocales(data.locale)[0];
    } catch {
      this.locale = "en";
    }
    const zone = { timeZone: "Europe/Berlin", numberingSystem: "latn", calendar: "gregory" };
    this.clock = new Intl.DateTimeFormat(this.locale, { ...zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.date = new Intl.DateTimeFormat(this.locale, { ...zone, weekday: "long", day: "numeric", month: "long", year: "numeric" });
    this.weekday = new Intl.DateTimeFormat(this.locale, { ...zone, weekday: "short", day: "numeric", month: "short" });
  }

  say(name, values = {}) {
    return (this.labels[name] ?? "").replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole));
  }

  // Elements say with data-t, data-label and data-hint which word they show, in which attribute.
  apply(root) {
    const all = root.querySelectorAll("[data-t], [data-label], [data-hint]");
    for (const element of [root, ...all]) {
      const { t, label, hint, values } = element.dataset ?? {};
      const filled = values ? JSON.parse(values) : {};
      if (t) element.textContent = this.say(t, filled);
      if (label) element.setAttribute("aria-label", this.say(label, filled));
      if (label && element.matches("button, a, select")) element.title = this.say(label, filled);
      if (hint) element.placeholder = this.say(hint, filled);
    }
    return root;
  }
}

export async function wordsIn(language) {
  if (!loaded.has(language)) {
    const answer = await fetch(`/labels?language=${encodeURIComponent(language)}`);
    if (!answer.ok) throw new Error(String(answer.status));
    loaded.set(language, new Words(await answer.json()));
  }
  return loaded.get(language);
}

export function proposedLanguage(languages) {
  const codes = languages.map((language) => language.code);
  for (const wish of navigator.languages ?? []) {
    const found = [wish, wish.replace("-", "_"), wish.split("-")[0]].find((code) => codes.includes(code));
    if (found) return found;
  }
  return codes.includes("en") ? "en" : codes[0];
}
