// A list of options that a text field steers by arrow keys (the ARIA combobox pattern: focus stays in the field).
import { make } from "./live.js";

let made = 0;

export class Listbox {
  constructor(list, field, choose) {
    this.list = list;
    this.field = field;
    this.choose = choose;
    this.options = [];
    this.at = -1;
    this.prefix = `fj-option-${++made}`;
    // A press must not take the focus from the field.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => this.#clicked(event));
  }

  show(options) {
    this.options = options;
    this.list.replaceChildren(...options.map((option, index) => this.#row(option, index)));
    this.#mark(options.length ? 0 : -1);
  }

  // True when the key was the list's own.
  key(event) {
    const last = this.options.length - 1;
    const steps = { ArrowDown: this.at >= last ? 0 : this.at + 1, ArrowUp: this.at <= 0 ? last : this.at - 1 };
    if (event.isComposing) return false;
    if (event.key in steps && last >= 0) this.#mark(steps[event.key]);
    else if (event.key === "Enter" && this.at >= 0) this.choose(this.options[this.at]);
    else return false;
    event.preventDefault();
    return true;
  }

  #row(option, index) {
    const attributes = { role: "option", id: `${this.prefix}-${index}`, "aria-selected": "false", lang: option.lang };
    return make("li", attributes, make("span", {}, option.label), option.hint ? make("small", {}, option.hint) : "");
  }

  #mark(index) {
    this.at = index;
    [...this.list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === index)));
    const row = this.list.children[index];
    if (row) {
      this.field.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else {
      this.field.removeAttribute("aria-activedescendant");
    }
  }

  #clicked(event) {
    const index = [...this.list.children].indexOf(event.target.closest("[role=option]"));
    if (index >= 0) this.choose(this.options[index]);
  }
}
