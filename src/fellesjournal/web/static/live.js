// One live region for the whole page: what a screen reader is told.
export function say(text) {
  const region = document.getElementById("fj-live");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 50);
}

const texts = JSON.parse(document.getElementById("fj-texts")?.textContent ?? "{}");

// A text in the visitor's language, with {name} filled in.
export function text(key, values = {}) {
  return Object.entries(values).reduce((out, [name, value]) => out.replace(`{${name}}`, value), texts[key] ?? key);
}

export function clock(at = new Date()) {
  return `${String(at.getHours()).padStart(2, "0")}.${String(at.getMinutes()).padStart(2, "0")}`;
}

export function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}
