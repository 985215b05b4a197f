// The note: `/` in the text opens a menu with a diagnosis or a measurement. What is inserted stands in the text and,
// as hidden fields, in the form. Without JavaScript the same is done in the ordinary fields below the text.
import { csrf, make, say, text } from "./live.js";
import { Listbox } from "./listbox.js";

class Note extends HTMLElement {
  connectedCallback() {
    this.area = this.querySelector("textarea");
    this.types = JSON.parse(this.querySelector('script[type="application/json"]')?.textContent ?? "[]");
    this.chips = this.querySelector(".fj-chips") ?? this.appendChild(make("ul", { class: "fj-chips" }));
    this.area.addEventListener("input", (event) => this.#typed(event));
    this.chips.addEventListener("click", (event) => this.#remove(event));
    this.addEventListener("keydown", (event) => this.#escape(event));
    for (const plain of this.querySelectorAll("[data-without-script]")) plain.hidden = true;
  }

  // Puts back the coded parts of a draft.
  restore(fields) {
    this.chips.replaceChildren();
    for (const [name, value] of fields) {
      if (name === "diagnosis" || name === "measurement") this.#chip(name, value, this.#shown(name, value));
    }
    const raised = new Set(fields.filter(([name]) => name === "problem").map(([, value]) => value));
    for (const box of this.chips.querySelectorAll("input[name=problem]")) box.checked = raised.has(box.value);
  }

  #typed(event) {
    const at = this.area.selectionStart;
    const before = this.area.value.slice(Math.max(0, at - 2), at);
    // A stroke inside a word ("mg/l", "og/eller", 140/90) is only a stroke.
    if (event.data === "/" && /^(?:|.*[\s([])\/$/s.test(before)) this.#open(at);
    else if (this.menu) this.#close();
  }

  #open(at) {
    this.#close();
    this.place = at;
    const options = [{ label: text("diagnosis"), hint: text("diagnosisHint"), does: () => this.#askDiagnosis() }];
    if (this.types.length) options.push({ label: text("measurement"), hint: text("measurementHint"), does: () => this.#askMeasurement() });
    const list = make("ul", { role: "listbox", id: `${this.area.id}-menu`, "aria-label": text("noteMenu") });
    this.#frame(list);
    this.area.setAttribute("aria-controls", list.id);
    this.area.setAttribute("aria-haspopup", "listbox");
    const listbox = new Listbox(list, this.area, (option) => option.does());
    listbox.show(options);
    this.steer = (event) => listbox.key(event);
    this.area.addEventListener("keydown", this.steer);
    say(`${text("noteMenu")}: ${options.map((option) => option.label).join(", ")}`);
  }

  #frame(...children) {
    this.menu?.remove();
    this.#unsteer();
    this.menu = make("div", { class: "fj-note-menu" }, ...children);
    this.area.after(this.menu);
  }

  #unsteer() {
    if (this.steer) this.area.removeEventListener("keydown", this.steer);
    this.steer = null;
    for (const name of ["aria-activedescendant", "aria-controls", "aria-haspopup"]) this.area.removeAttribute(name);
  }

  #askDiagnosis() {
    const id = `${this.area.id}-diagnoses`;
    const field = make("input", { class: "ds-input", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "true", "aria-autocomplete": "list", "aria-controls": id, "aria-label": text("searchDiagnosis"), placeholder: text("searchDiagnosis") });
    const list = make("ul", { role: "listbox", id, "aria-label": text("diagnosis") });
    const empty = make("p", { class: "fj-quiet", hidden: "" }, text("noHits"));
    this.#frame(field, list, empty);
    const listbox = new Listbox(list, field, (hit) => this.#insert("diagnosis", `${hit.code}|${hit.display}`, hit.system));
    field.addEventListener("keydown", (event) => listbox.key(event) || this.#swallow(event));
    field.addEventListener("input", (event) => { event.stopPropagation(); this.#searchLater(field, listbox, empty); });
    field.focus();
  }

  #searchLater(field, listbox, empty) {
    clearTimeout(this.timer);
    this.asked?.abort();
    const query = field.value.trim();
    if (!query) { listbox.show([]); empty.hidden = true; return; }
    this.timer = setTimeout(() => this.#search(query, listbox, empty), 120);
  }

  async #search(query, listbox, empty) {
    this.asked = new AbortController();
    try {
      // By POST: what is searched for stands in no address.
      const answer = await fetch(this.dataset.diagnoses, {
        method: "POST",
        headers: { "X-CSRF-Token": csrf(), Accept: "application/json" },
        body: new URLSearchParams({ q: query }),
        signal: this.asked.signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const hits = await answer.json();
      listbox.show(hits.map((hit) => ({ ...hit, label: `${hit.code} ${hit.display}` })));
      empty.textContent = text("noHits");
      empty.hidden = hits.length > 0;
      say(hits.length ? text("hits", { n: hits.length }) : text("noHits"));
    } catch (error) {
      if (error.name === "AbortError") return;
      empty.textContent = text("searchFailed");
      empty.hidden = false;
      say(text("searchFailed"));
    }
  }

  #askMeasurement() {
    const type = make("select", { class: "ds-input", "aria-label": text("type") },
      ...this.types.map((row) => make("option", { value: row.code }, row.unit ? `${row.label} (${row.unit})` : row.label)));
    const value = make("input", { class: "ds-input", type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": text("value"), placeholder: text("value") });
    const button = make("button", { type: "button", class: "ds-button", "data-variant": "secondary" }, text("insert"));
    const put = () => {
      if (value.value.trim()) this.#insert("measurement", `${type.value}|${value.value.trim()}`);
      else { value.setAttribute("aria-invalid", "true"); say(text("valueMissing")); value.focus(); }
    };
    for (const field of [type, value]) {
      field.addEventListener("input", (event) => event.stopPropagation());
      field.addEventListener("change", (event) => event.stopPropagation());
    }
    value.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); put(); } });
    type.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); value.focus(); } });
    button.addEventListener("click", put);
    this.#frame(make("div", { class: "fj-row" }, type, value, button));
    type.focus();
  }

  #shown(name, value) {
    const bar = value.indexOf("|");
    const [first, rest] = [value.slice(0, bar), value.slice(bar + 1)];
    if (name === "diagnosis") return `${first} ${rest}`;
    const type = this.types.find((row) => row.code === first);
    return `${type?.label ?? first} ${rest}${type?.unit ? ` ${type.unit}` : ""}`;
  }

  #insert(name, value, system) {
    const words = this.#shown(name, value);
    const at = this.place;
    const inText = name === "diagnosis" ? `[${words}]` : words;
    const fresh = !this.#values(name).includes(value);
    this.#close();
    this.area.focus();
    // The stroke that opened the menu is replaced; execCommand keeps the browser's own undo.
    this.area.setSelectionRange(at - 1, at);
    if (!document.execCommand("insertText", false, inText)) this.area.setRangeText(inText, at - 1, at, "end");
    if (fresh) this.#chip(name, value, words, system);
    this.area.dispatchEvent(new CustomEvent("fj:changed", { bubbles: true }));
    say(text("inserted", { tekst: words }));
  }

  #values(name) {
    return [...this.chips.querySelectorAll(`input[name="${name}"]`)].map((field) => field.value);
  }

  #chip(name, value, words, system) {
    const remove = make("button", { type: "button", "aria-label": `${text("remove")} ${words}` }, "×");
    const kept = make("input", { type: "hidden", name, value, "data-kept": "" });
    this.chips.append(make("li", { "data-system": system }, words, kept, ...this.#raise(name, value), remove));
  }

  // Raising a diagnosis to the problem list is a choice of its own.
  #raise(name, value) {
    if (name !== "diagnosis" || !this.dataset.raise) return [];
    const box = make("input", { type: "checkbox", name: "problem", value });
    return [make("label", { class: "fj-raise" }, box, ` ${this.dataset.raise}`)];
  }

  #remove(event) {
    const chip = event.target.closest("button")?.closest("li");
    if (!chip) return;
    const words = chip.firstChild.textContent.trim();
    chip.remove();
    this.area.focus();
    this.area.dispatchEvent(new CustomEvent("fj:changed", { bubbles: true }));
    say(text("removed", { tekst: words }));
  }

  #escape(event) {
    if (event.key !== "Escape" || !this.menu) return;
    event.preventDefault();
    event.stopPropagation();
    this.#close();
    this.area.focus();
  }

  // Enter in the search field with no hit must not send the form.
  #swallow(event) {
    if (event.key === "Enter") event.preventDefault();
  }

  #close() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.#unsteer();
    this.menu?.remove();
    this.menu = null;
  }
}

customElements.define("fj-note", Note);
