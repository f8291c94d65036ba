// Puts the page together: the phone alone, the desk alone, or both in the demo.

import { Clock, useTheme } from "./clock.js";
import { Desk } from "./desk.js";
import { h, icon, kept, newId } from "./dom.js";
import { Phone } from "./phone.js";
import { Sending, Stream, post } from "./stream.js";
import { proposedLanguage, wordsIn } from "./words.js";

const toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

function toast(sentence) {
  if (toasts.lastChild?.textContent === sentence) return;
  const line = h("p", { dir: "auto" }, sentence);
  toasts.append(line);
  setTimeout(() => line.remove(), 6000);
}

function theme() {
  useTheme(true);
}

function connection(roots) {
  return (good) => {
    for (const root of roots) root.querySelector(".offline").hidden = good;
  };
}

async function retrying(task) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 10000)) {
    try {
      return await task();
    } catch {
      await new Promise((go) => {
        setTimeout(go, pause);
      });
    }
  }
}

function wholePage(words) {
  document.documentElement.lang = words.language.replace("_", "-");
  document.documentElement.dir = words.direction;
}

async function phoneAlone(setup) {
  const language = kept.get("language", proposedLanguage(setup.languages));
  let words = await retrying(() => wordsIn(language));
  wholePage(words);
  const here = new URLSearchParams(location.search).get("at");
  const point = setup.contact_points.find((other) => other.id === here) ?? setup.contact_points[0];
  const where = { contact_point: point.id };
  const sending = new Sending({ onFate: (...fate) => phone.fate(...fate) });
  const phone = new Phone({
    words, name: point.name, languages: setup.languages, simulated: false, toast,
    query: () => where,
    say: (chat, body) => sending.put("", `/say?language=${words.language}`, { ...body, ...where }),
    onTheme: theme,
    onLanguage: async (code) => {
      words = await retrying(() => wordsIn(code));
      kept.set("language", code);
      wholePage(words);
      phone.useWords(words);
    },
  });
  phone.now = () => new Date();
  phone.remember = (message) => phone.put(message);
  document.body.className = "alone";
  document.body.append(h("main", {}, phone.root), toasts);
  document.title = point.name;
  const stream = new Stream({
    onMessage: (message) => phone.put(message),
    onReady: () => {
      phone.known = true;
      phone.log.finish();
      phone.status();
      opened(phone);
    },
    onAfresh: () => phone.log.clear(),
    onConnection: connection([phone.root]),
  });
  stream.open(new URLSearchParams(where).toString());
}

// A link may name a place or bring a code: whoever has a chat already uses it at once, others by the start button.
function opened(phone) {
  const given = new URLSearchParams(location.search).get("start");
  if (!given || !/^[A-Za-z0-9-]{1,64}$/.test(given) || phone.opening !== "/start") return;
  phone.opening = `/start ${given}`;
  phone.onOpened = () => {
    const address = new URL(location.href);
    address.searchParams.delete("start");
    history.replaceState(null, "", address);
  };
  if (phone.log.items.size > 0) phone.open();
}

async function deskAlone(setup, desk) {
  const language = kept.get("desk-language", proposedLanguage(setup.languages));
  let words = await retrying(() => wordsIn(language));
  wholePage(words);
  document.body.className = "alone";
  let name = kept.get("my-name", "");
  if (!setup.entered || !name) name = await atTheDoor(words, setup, desk, name);
  const point = setup.contact_points.find((other) => other.id === desk);
  kept.set("staff-names", { me: name });
  const sending = new Sending({ onFate: (...fate) => view.fate(...fate) });
  const view = new Desk({
    words, id: desk, name: point.name, staff: ["me"], languages: setup.languages, toast,
    say: (body) => sending.put("", "/say?at=desk", body),
    buttons: [h("button", { type: "button", class: "icon-button", "data-label": "appearance", onclick: theme }, icon("theme"))],
    onLanguage: async (code) => {
      words = await retrying(() => wordsIn(code));
      kept.set("desk-language", code);
      wholePage(words);
      view.useWords(words);
    },
  });
  view.now = () => new Date();
  document.body.replaceChildren(h("main", { class: "only-desk" }, view.root), toasts);
  const stream = new Stream({
    onMessage: (message) => view.put(message),
    onReady: () => view.ready(),
    onAfresh: () => view.clear(),
    onConnection: connection([view.root]),
  });
  stream.open(new URLSearchParams({ desk }).toString());
}

// Asks for the key of the desk, and once for a name.
function atTheDoor(words, setup, desk, known) {
  return new Promise((entered) => {
    const key = h("input", { type: "password", id: "key", autocomplete: "current-password", required: true });
    const name = h("input", { type: "text", id: "name", maxlength: "60", required: true, value: known, autocomplete: "name" });
    const problem = h("p", { class: "problem", role: "alert" });
    const form = h("form", {
      class: "door",
      onsubmit: async (event) => {
        event.preventDefault();
        const mine = name.value.replace(/\s+/g, " ").trim();
        if (!mine) return;
        if (!setup.entered) {
          const answer = await post("/enter", { desk, key: key.value, language: words.language }).catch(() => null);
          if (!answer?.ok) {
            problem.textContent = answer?.data?.error ?? words.say("not_now");
            return;
          }
        }
        kept.set("my-name", mine);
        entered(mine);
      },
    },
    h("span", { class: "avatar" }, icon("desk")), h("h1", { "data-t": "desk" }),
    setup.entered ? null : h("label", { for: "key", "data-t": "staff_key" }), setup.entered ? null : key,
    h("label", { for: "name", "data-t": "your_name" }), name, problem,
    h("button", { type: "submit", class: "option primary", "data-t": "enter" }));
    document.body.replaceChildren(h("main", { class: "at-door" }, words.apply(form)));
    (setup.entered ? name : key).focus();
  });
}

async function demo(setup) {
  const point = setup.contact_points[0];
  const languages = kept.get("languages", {});
  const proposed = proposedLanguage(setup.languages);
  const codes = setup.languages.map((language) => language.code);
  const languageOf = (who) => (codes.includes(languages[who]) ? languages[who] : proposed);
  const chats = [...setup.people, ...kept.get("phones", [])];
  let chat = kept.get("phone", chats[0]);
  if (!chats.includes(chat)) [chat] = chats;
  let phoneWords = await retrying(() => wordsIn(languageOf(chat)));
  let deskWords = await retrying(() => wordsIn(languageOf("desk")));
  wholePage(deskWords);
  const messages = new Map(chats.map((one) => [one, new Map()]));
  const read = kept.get("read", {});

  const clock = new Clock({ toast });
  const sending = new Sending({
    onFate: (id, ...fate) => {
      if (desk.messages.has(id)) desk.fate(id, ...fate);
      else phone.fate(id, ...fate);
    },
  });
  const showing = (what) => () => {
    document.body.dataset.showing = what;
  };
  const toDesk = h("button", { type: "button", class: "icon-button narrow-only", "data-label": "desk", onclick: showing("desk") }, icon("desk"));
  const toPhone = h("button", { type: "button", class: "icon-button narrow-only", "data-label": "phone", onclick: showing("phone") }, icon("phone"));
  const phone = new Phone({
    words: phoneWords, name: point.name, languages: setup.languages, simulated: true, toast, buttons: [toDesk],
    query: () => ({ chat, contact_point: point.id }),
    say: (to, body) => sending.put(to, "/say", { ...body, chat: to, contact_point: point.id }),
    onTheme: theme,
    onLanguage: async (code) => {
      languages[chat] = code;
      kept.set("languages", languages);
      phoneWords = await retrying(() => wordsIn(code));
      phone.useWords(phoneWords);
    },
  });
  const nameOf = (one, words) => words.roles[one] ?? words.say("phone_number", { n: chats.indexOf(one) + 1 });
  phone.chatName = () => nameOf(chat, phoneWords);
  phone.now = () => clock.now();
  phone.remember = (message) => {
    messages.get(message.chat)?.set(message.id, message);
    if (message.chat === chat) phone.put(message);
  };
  const desk = new Desk({
    words: deskWords, id: point.id, name: point.name, staff: setup.staff, languages: setup.languages, toast,
    say: (body) => sending.put("", "/say?at=desk", body), buttons: [toPhone],
    onLanguage: async (code) => {
      languages.desk = code;
      kept.set("languages", languages);
      deskWords = await retrying(() => wordsIn(code));
      wholePage(deskWords);
      desk.useWords(deskWords);
      clock.useWords(deskWords);
      deskWords.apply(picker);
      showPicker();
    },
  });
  desk.now = () => clock.now();

  const chips = h("div", { class: "chips", role: "group", "data-label": "phones" });
  const picker = h("nav", { class: "picker", "data-label": "phones" }, chips);
  const showPicker = () => {
    const focused = chips.contains(document.activeElement) ? document.activeElement.dataset.chat : null;
    const chip = (one) => {
      const fresh = [...messages.get(one).values()].filter((message) => message.from === "bot" && message.order > (read[one] ?? 0)).length;
      return h("button", { type: "button", class: "chip", "data-chat": one, "aria-pressed": String(one === chat), onclick: () => take(one) },
        h("bdi", {}, nameOf(one, deskWords)),
        fresh && one !== chat ? h("span", { class: "badge", role: "img", "data-label": "unread", "data-values": JSON.stringify({ n: fresh }) }, String(fresh)) : null);
    };
    chips.replaceChildren(...chats.map(chip),
      h("button", { type: "button", class: "chip add", onclick: add }, icon("plus"), h("span", { "data-t": "new_phone" })));
    deskWords.apply(chips);
    if (focused) [...chips.children].find((element) => element.dataset.chat === focused)?.focus();
  };
  const seen = () => {
    const orders = [...messages.get(chat).values()].map((message) => message.order).filter((order) => order < 1e15);
    read[chat] = Math.max(0, ...orders);
    kept.set("read", read);
  };
  const take = async (one) => {
    chat = one;
    kept.set("phone", one);
    phoneWords = await retrying(() => wordsIn(languageOf(one)));
    if (chat !== one) return;
    phone.wait(false);
    phone.show(one, messages.get(one).values());
    phone.useWords(phoneWords);
    seen();
    showPicker();
  };
  const add = () => {
    const one = `phone-${newId().slice(0, 8)}`;
    chats.push(one);
    kept.set("phones", chats.slice(setup.people.length));
    messages.set(one, new Map());
    stream.open(query());
    take(one);
  };
  const query = () => {
    const all = new URLSearchParams({ desk: point.id });
    for (const one of chats) all.append("chat", one);
    return all.toString();
  };

  let known = false;
  const stream = new Stream({
    onMessage: (message) => {
      if (message.chat === "") {
        desk.put(message);
        return;
      }
      const before = messages.get(message.chat);
      before?.set(message.id, { ...message, preview: before.get(message.id)?.preview });
      if (!known) return;
      if (message.chat === chat) {
        phone.put(message);
        seen();
      } else {
        showPicker();
      }
    },
    onReady: () => {
      if (known) return;
      known = true;
      phone.known = true;
      desk.ready();
      phone.show(chat, messages.get(chat).values());
      seen();
      showPicker();
    },
    onAfresh: () => {
      known = false;
      desk.clear();
      for (const one of messages.values()) one.clear();
    },
    onConnection: connection([phone.root, desk.root]),
  });

  document.title = `${point.name} · Demo`;
  document.body.className = "demo";
  document.body.dataset.showing = "phone";
  const frame = h("div", { class: "frame" }, h("div", { class: "status-bar", "aria-hidden": "true" }, h("span", { class: "status-time" }), h("span", { class: "lens" }), h("span", { class: "battery" })), phone.root);
  clock.onTick = (time) => { frame.querySelector(".status-time").textContent = time; };
  document.body.append(
    h("main", {},
      h("div", { class: "left" }, picker, frame),
      h("div", { class: "right" }, setup.time ? clock.root : "", desk.root)),
    toasts);
  if (setup.time) await clock.ask();
  clock.useWords(deskWords);
  phone.who.textContent = phone.chatName();
  showPicker();
  deskWords.apply(picker);
  stream.open(query());
}

useTheme(false);
const atDesk = location.pathname === "/desk";
const wanted = new URLSearchParams(location.search).get("at");
const setup = await retrying(async () => {
  const first = await post("/begin", {});
  if (!first.ok) throw new Error(String(first.status));
  if (!atDesk || first.data.mode === "demo") return first.data;
  const answer = await post("/begin", { desk: wanted ?? first.data.contact_points[0].id });
  return answer.ok ? answer.data : first.data;
});
if (setup.mode === "demo") await demo(setup);
else if (setup.mode === "desk") await deskAlone(setup, wanted ?? setup.contact_points[0].id);
else await phoneAlone(setup);
