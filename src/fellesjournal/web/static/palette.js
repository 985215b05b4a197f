// The command palette, Ctrl+K: fixed entries at once, the rest by a POST search so that no name stands in an address.
import { csrf, say, text } from "./live.js";
import { Listbox } from "./listbox.js";

class Palette extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.field = this.querySelector("input");
    this.fixed = JSON.parse(this.querySelector("script").textContent);
    this.listbox = new Listbox(this.querySelector("[role=listbox]"), this.field, (entry) => this.#go(entry));
    const opener = this.querySelector("[data-open]");
    opener.hidden = false;
    opener.addEventListener("click", () => this.open());
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.listbox.key(event));
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    this.onkey = (event) => this.#shortcut(event);
    document.addEventListener("keydown", this.onkey);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onkey);
  }

  open() {
    if (this.dialog.open) return;
    this.field.value = "";
    this.listbox.show(this.#matching(""));
    this.dialog.showModal();
    this.field.focus();
  }

  #shortcut(event) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (this.dialog.open) this.dialog.close();
      else this.open();
    }
  }

  #matching(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return this.fixed.filter((entry) => words.every((word) => `${entry.label} ${entry.hint}`.toLowerCase().includes(word)));
  }

  #changed() {
    const query = this.field.value.trim();
    this.listbox.show(this.#matching(query));
    clearTimeout(this.timer);
    this.asked?.abort();
    if (query.length >= 2 && this.dataset.search) this.timer = setTimeout(() => this.#search(query), 180);
    else if (query) say(text("hits", { n: this.listbox.options.length }));
  }

  async #search(query) {
    this.asked = new AbortController();
    try {
      const answer = await fetch(this.dataset.search, {
        method: "POST",
        headers: { "X-CSRF-Token": csrf(), Accept: "application/json" },
        body: new URLSearchParams({ q: query }),
        signal: this.asked.signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      if (this.field.value.trim() !== query) return;
      this.listbox.show([...this.#matching(query), ...found]);
      say(this.listbox.options.length ? text("hits", { n: this.listbox.options.length }) : text("noHits"));
    } catch (error) {
      if (error.name !== "AbortError") say(text("searchFailed"));
    }
  }

  #go(entry) {
    this.dialog.close();
    location.assign(entry.url);
  }
}

customElements.define("fj-palette", Palette);
