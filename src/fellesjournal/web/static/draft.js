// Keeps what is typed, encrypted with the key that the server gives to this session's person: through reload,
// time-out and network loss. A draft goes away only when a later page says that it was saved (fj-draft-done).
import { clock, make, say, text } from "./live.js";

const PREFIX = "fj-draft:";
const WAIT_MS = 400;
const SKIPPED = new Set(["csrf_token"]);

function forgetSaved() {
  for (const done of document.querySelectorAll('meta[name="fj-draft-done"]')) {
    const start = `${PREFIX}${done.content}:`;
    Object.keys(localStorage).filter((name) => name.startsWith(start)).forEach((name) => localStorage.removeItem(name));
  }
}
forgetSaved();
document.addEventListener("htmx:after:swap", forgetSaved);

const bytes = (base64) => Uint8Array.from(atob(base64.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const base64 = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));

class Draft extends HTMLElement {
  async connectedCallback() {
    this.form = this.querySelector("form") ?? this.closest("form");
    this.status = make("p", { class: "fj-draft-status" });
    this.append(this.status);
    if (this.querySelector("fj-note")) await customElements.whenDefined("fj-note");
    this.clean = JSON.stringify(this.#fields());
    try {
      // The key's fingerprint is part of the name: two persons at one machine never write over each other's text.
      const print = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(this.dataset.key))).slice(0, 6);
      this.slotName = `${PREFIX}${this.dataset.name}:${base64(print)}`;
      this.key = await crypto.subtle.importKey("raw", bytes(this.dataset.key), "AES-GCM", false, ["encrypt", "decrypt"]);
    } catch {
      this.#tell(text("draftFailed"));
      return;
    }
    await this.#restore();
    for (const kind of ["input", "change", "fj:changed"]) this.form.addEventListener(kind, () => this.#later());
    this.form.addEventListener("submit", () => this.#now());
    document.addEventListener("fj:session-ended", () => this.#now());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.#now(); });
    this.setAttribute("data-ready", "");
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#now(), WAIT_MS);
  }

  // Writes are queued, so that an older one never lands after a newer one.
  #now() {
    clearTimeout(this.timer);
    this.writing = (this.writing ?? Promise.resolve()).then(() => this.#write()).catch(() => this.#tell(text("draftFailed")));
    return this.writing;
  }

  async #write() {
    const fields = this.#fields();
    if (JSON.stringify(fields) === this.clean && this.kept === undefined) return;
    if (JSON.stringify(fields) === this.kept) return;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(JSON.stringify({ at: Date.now(), version: this.dataset.version ?? "", fields }));
    const bound = new TextEncoder().encode(this.dataset.name);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound }, this.key, plain);
    localStorage.setItem(this.slotName, `${base64(iv)}.${base64(sealed)}`);
    this.kept = JSON.stringify(fields);
    this.#tell(text("draftSaved", { tid: clock() }));
  }

  async #restore() {
    const kept = await this.#read();
    if (!kept) return;
    const before = this.#fields();
    // A page that comes back with the text in it (after a fault in the form) is at least as new as the draft.
    if (this.dataset.fresh !== undefined || JSON.stringify(before) === JSON.stringify(kept.fields)) return;
    this.#fill(kept.fields);
    this.kept = JSON.stringify(this.#fields());
    const stale = kept.version !== (this.dataset.version ?? "");
    this.#tell([text("draftRestored", { tid: clock(new Date(kept.at)) }), stale ? text("draftOlder") : ""].filter(Boolean).join(". "));
    this.#offerDiscard();
    this.form.dispatchEvent(new CustomEvent("fj:restored", { bubbles: true }));
  }

  async #read() {
    const [iv, sealed] = (localStorage.getItem(this.slotName) ?? "").split(".");
    if (!sealed) return null;
    try {
      const bound = new TextEncoder().encode(this.dataset.name);
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(iv), additionalData: bound }, this.key, bytes(sealed));
      return JSON.parse(new TextDecoder().decode(plain));
    } catch {
      return null; // another person's or another session's key: theirs to get back, not ours
    }
  }

  #controls() {
    return [...this.form.elements].filter((field) => field.name && !SKIPPED.has(field.name) && !["submit", "button", "file", "password"].includes(field.type)
      && (field.type !== "hidden" || field.dataset.kept !== undefined));
  }

  #fields() {
    return this.#controls()
      .filter((field) => !["radio", "checkbox"].includes(field.type) || field.checked)
      .map((field) => [field.name, field.value]);
  }

  #fill(fields) {
    const waiting = new Map();
    for (const [name, value] of fields) waiting.set(name, [...(waiting.get(name) ?? []), value]);
    for (const field of this.#controls()) {
      const values = waiting.get(field.name) ?? [];
      if (["radio", "checkbox"].includes(field.type)) field.checked = values.includes(field.value);
      else if (field.type !== "hidden" && values.length) field.value = values.shift();
    }
    for (const note of this.querySelectorAll("fj-note")) note.restore?.(fields);
  }

  #offerDiscard() {
    const button = make("button", { type: "button", class: "ds-link" }, text("discard"));
    button.addEventListener("click", async () => {
      await this.writing;
      localStorage.removeItem(this.slotName);
      this.kept = undefined;
      this.#fill(JSON.parse(this.clean));
      this.#tell(text("draftDiscarded"));
    });
    this.status.append(" ", button);
  }

  #tell(words) {
    if (this.status.firstChild?.textContent === words) return;
    const spoken = !this.said || !words.startsWith(this.said);
    this.said = words.slice(0, 8);
    this.status.replaceChildren(words);
    if (spoken) say(words);
  }
}

customElements.define("fj-draft", Draft);
