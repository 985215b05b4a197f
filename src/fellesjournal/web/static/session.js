// Warns before the session ends, and says afterwards that the draft is kept. Any answer from the server starts it anew.
import { make, say, text } from "./live.js";

const WARN_S = 60;
const SEEN = "fj-session-seen";
const CONTEXT = "fj-context";

class Session extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.seconds = Number(this.dataset.seconds);
    this.restarted = () => this.#restart();
    document.addEventListener("htmx:after:request", this.restarted);
    // Timers sleep with the machine: look at the clock each time the page is seen again.
    this.seen = () => { if (!document.hidden) this.#look(); };
    document.addEventListener("visibilitychange", this.seen);
    // Work in another tab keeps this one alive too.
    this.shared = (event) => {
      if (event.key === SEEN) this.#restart({ tell: false });
      // Another tab has gone over to another person's record: nothing of this one's stays on the screen.
      if (event.key === CONTEXT && this.dataset.context && event.newValue !== this.dataset.context) location.reload();
    };
    addEventListener("storage", this.shared);
    if (this.dataset.context) localStorage.setItem(CONTEXT, this.dataset.context);
    this.#restart();
    this.timer = setInterval(() => this.#look(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    document.removeEventListener("htmx:after:request", this.restarted);
    document.removeEventListener("visibilitychange", this.seen);
    removeEventListener("storage", this.shared);
  }

  #restart({ tell = true } = {}) {
    if (tell) localStorage.setItem(SEEN, String(Date.now()));
    if (this.bar) say(text("sessionKept"));
    this.ends = Date.now() + this.seconds * 1000;
    this.bar?.remove();
    this.bar = null;
  }

  #look() {
    const left = Math.ceil((this.ends - Date.now()) / 1000);
    if (left <= 0) this.#end();
    else if (left <= Math.min(WARN_S, this.seconds / 2)) this.#warn(left);
  }

  #warn(left) {
    const words = text("sessionSoon", { n: left });
    if (!this.bar) {
      this.bar = make("p", { class: "fj-warning-bar" });
      this.append(this.bar);
      say(words);
    }
    this.bar.textContent = words;
  }

  #end() {
    clearInterval(this.timer);
    this.bar?.remove();
    document.dispatchEvent(new CustomEvent("fj:session-ended"));
    // Nothing of the patient stays to be read behind the dialog.
    document.querySelector(".fj-frame")?.toggleAttribute("inert", true);
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    if (!this.dialog.open) this.dialog.showModal();
  }
}

customElements.define("fj-session", Session);
