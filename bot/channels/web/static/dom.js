// Elements from plain values; text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  send: "M3.4 20.4 21 12 3.4 3.6 3.4 10l11 2-11 2z",
  clip: "M16.500 6.500v9.700a4.500 4.500 0 0 1-9 0V6a3 3 0 0 1 6 0v9.200a1.500 1.500 0 0 1-3 0V6.500H9v8.700a3 3 0 0 0 6 0V6a4.500 4.500 0 0 0-9 0v10.200a6 6 0 0 0 12 0V6.500z",
  photo: "M9 4.500 7.600 6.500H5a2 2 0 0 0-2 2V17a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2V8.500a2 2 0 0 0-2-2h-2.600L15 4.500zM12 9a3.800 3.800 0 1 1 0 7.600A3.800 3.800 0 0 1 12 9zm0 1.600a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400z",
  voice: "M12 3a3 3 0 0 1 3 3v5.500a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zm-6.500 8.500H7a5 5 0 0 0 10 0h1.500a6.500 6.500 0 0 1-5.750 6.450V21h-1.500v-3.050A6.500 6.500 0 0 1 5.500 11.500z",
  video: "M4 6.500h10a2 2 0 0 1 2 2v1.800l5-3v9.400l-5-3v1.800a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z",
  document: "M6 2.500h8l5 5V20a1.500 1.500 0 0 1-1.500 1.500h-11.500A1.500 1.500 0 0 1 4.500 20V4A1.500 1.500 0 0 1 6 2.500zM13 4v4.500h4.500zM8 12v1.500h8V12zm0 3.500V17h8v-1.500z",
  location: "M12 2.500a7 7 0 0 1 7 7c0 5-7 12-7 12s-7-7-7-12a7 7 0 0 1 7-7zm0 4.400a2.600 2.600 0 1 0 0 5.200 2.600 2.600 0 0 0 0-5.200z",
  contact: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zm0 9.500c4 0 7.500 2 7.500 4.800V20h-15v-1.700c0-2.800 3.500-4.800 7.500-4.800z",
  sticker: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM8.500 9A1.300 1.300 0 1 0 8.500 11.600 1.300 1.300 0 0 0 8.500 9zm7 0a1.300 1.300 0 1 0 0 2.600 1.300 1.300 0 0 0 0-2.600zM7 13.500a5 5 0 0 0 10 0z",
  more: "M12 8.200 18 14l-1.200 1.200L12 10.600l-4.800 4.600L6 14z",
  lock: "M12 2.500a4.500 4.500 0 0 1 4.500 4.500v2.500H18a1.500 1.500 0 0 1 1.500 1.500v8.500A1.500 1.500 0 0 1 18 21H6a1.500 1.500 0 0 1-1.500-1.500V11A1.500 1.500 0 0 1 6 9.500h1.500V7A4.500 4.500 0 0 1 12 2.500zm0 1.800A2.700 2.700 0 0 0 9.300 7v2.500h5.400V7A2.700 2.700 0 0 0 12 4.300z",
  out: "M13 5.500 20.500 12 13 18.500v-4.300H3.500V9.800H13z",
  down: "M12 16.600 5.400 10l1.300-1.300L12 14l5.300-5.300 1.300 1.300z",
  back: "M15.600 5.400 9 12l6.600 6.600-1.300 1.300L6.400 12l7.900-7.900z",
  close: "M6.300 5 12 10.700 17.700 5 19 6.300 13.300 12l5.700 5.700-1.300 1.300-5.700-5.700L6.300 19 5 17.700l5.700-5.700L5 6.300z",
  reply: "M10 5v4c6 .5 10 4 11 10-3-4-6.500-5.500-11-5.500V18l-7.500-6.500z",
  pencil: "M4 16.700V20h3.300L17.500 9.800l-3.300-3.300zM20.300 7c.4-.4.4-1 0-1.300l-2-2a1 1 0 0 0-1.300 0l-1.600 1.500 3.300 3.300z",
  copy: "M8 3.500h10A1.500 1.500 0 0 1 19.500 5v11.500H18V5H8zM5.500 7H15a1.500 1.500 0 0 1 1.500 1.500v11A1.500 1.500 0 0 1 15 21H5.500A1.500 1.500 0 0 1 4 19.500v-11A1.500 1.500 0 0 1 5.500 7z",
  globe: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm-2.300 2A7.500 7.500 0 0 0 5 9.300h3.300c.3-1.700.8-3.200 1.400-4.300zm4.600 0c.6 1.100 1.100 2.600 1.400 4.300H19A7.500 7.500 0 0 0 14.300 5zM12 4.600c-.8.8-1.700 2.500-2.100 4.700h4.200c-.4-2.200-1.300-3.900-2.100-4.700zM4.600 10.800a7.600 7.600 0 0 0 0 2.400h3.500a21 21 0 0 1 0-2.400zm5 0a19 19 0 0 0 0 2.400h4.800a19 19 0 0 0 0-2.400zm6.300 0a21 21 0 0 1 0 2.400h3.500a7.600 7.600 0 0 0 0-2.400zM5 14.700A7.500 7.500 0 0 0 9.700 19c-.6-1.100-1.100-2.600-1.400-4.300zm4.900 0c.4 2.200 1.300 3.900 2.100 4.700.8-.8 1.700-2.500 2.100-4.700zm5.800 0c-.3 1.700-.8 3.200-1.400 4.300a7.500 7.500 0 0 0 4.700-4.300z",
  theme: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2v14a7 7 0 0 1 0-14z",
  chat: "M4.500 4h15A1.500 1.500 0 0 1 21 5.500v10a1.500 1.500 0 0 1-1.500 1.500H11l-5 4v-4H4.500A1.500 1.500 0 0 1 3 15.500v-10A1.500 1.500 0 0 1 4.500 4z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm0 1.800a7.200 7.200 0 1 0 0 14.400 7.200 7.200 0 0 0 0-14.400zm.9 2.700v4.100l3.300 2-.9 1.500-4.200-2.500V7.500z",
  tick: "M9.600 17.300 4.300 12l1.400-1.400 3.900 3.900 8.700-8.700 1.400 1.400z",
  ticks: "m6.800 17.300-5.300-5.300 1.400-1.400 3.900 3.900 8.700-8.700 1.400 1.400zM12.200 15.900l1.400 1.400L23.700 7.200l-1.400-1.400z",
  failed: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm-1 4.500v6h2v-6zm0 7.500v2h2v-2z",
  phone: "M8 2.500h8A1.500 1.500 0 0 1 17.500 4v16a1.500 1.500 0 0 1-1.500 1.500H8A1.500 1.500 0 0 1 6.500 20V4A1.500 1.500 0 0 1 8 2.500zM8.200 5v12.500h7.600V5zm2.800 13.700V20h2v-1.300z",
  desk: "M3 5h18v10.500H3zm1.700 1.700v7h14.600v-7zM8 18h8v1.700H8z",
  room: "M8.500 5a3.300 3.300 0 1 1 0 6.600 3.300 3.300 0 0 1 0-6.600zm7.500 1a2.800 2.800 0 1 1 0 5.600A2.800 2.800 0 0 1 16 6zm-7.500 7c3.500 0 6.500 1.700 6.500 4.200V19H2v-1.800C2 14.700 5 13 8.500 13zm7.500.2c3.300 0 6 1.400 6 3.800v2h-5.300v-1.800c0-1.600-.8-2.900-2-3.900.4-.1.800-.1 1.300-.1z",
  help: "M5 3.500h4l1.700 4.600-2.300 1.700a11 11 0 0 0 5.800 5.800l1.700-2.300 4.600 1.700v4A1.500 1.500 0 0 1 19 20.500C10.400 20.500 3.500 13.600 3.500 5A1.500 1.500 0 0 1 5 3.500z",
};

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.document);
  svg.append(path);
  return svg;
}

export const onTouch = () => matchMedia("(hover: none) and (pointer: coarse)").matches;

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What the browser keeps for this page; a browser that forbids it forgets.
export const kept = {
  get(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(name, JSON.stringify(value));
    } catch {
      // Nothing to do: the page works without it.
    }
  },
};
