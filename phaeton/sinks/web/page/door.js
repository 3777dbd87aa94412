// Who is at the page: the login, guests without controls, and what to do while nobody can log in.

import { Refused, get, post } from "./api.js";
import { say, sentence } from "./text.js";
import { find, setAttribute, setHidden, setText } from "./write.js";

const SCOPES = ["open", "guest", "read", "control", "admin"];

export class Door {
  #access = null;
  #asking = false; // a guest wants to log in
  #entered;
  #looked;

  /** `entered()` when there may be more to see than before, `looked()` whenever it was asked who is here. */
  constructor(entered, looked) {
    this.#entered = entered;
    this.#looked = looked;
    find("login").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#logIn();
    });
    find("log").addEventListener("click", () => this.#pressed());
  }

  /** Ask how the door is, and show it; whether the page may see something. */
  async look() {
    try {
      this.#access = await get("api/access");
    } catch {
      return this.#access === null || this.#sees(); // no answer: the live stream says so
    }
    this.#show();
    this.#looked();
    return this.#sees();
  }

  #sees() {
    return this.#access.scope !== "open";
  }

  /** Whether who is here may do what this scope may. */
  may(scope = "guest") {
    return SCOPES.indexOf(this.#access?.scope) >= SCOPES.indexOf(scope);
  }

  /** Whether there is a charger in the configuration; true until it is known. */
  get configured() {
    return this.#access?.configured ?? true;
  }

  #show() {
    const { scope, who, password_set: passwordSet, hint } = this.#access;
    const locked = !this.#sees();
    const owner = who === "owner";
    document.body.classList.toggle("locked", locked);
    document.body.classList.toggle("watching", !this.may("control"));
    if (locked) document.body.classList.remove("loading");
    if (owner) this.#asking = false;
    const form = passwordSet && !owner && (locked || this.#asking);
    const wasHidden = find("door").hidden;
    setAttribute(find("door"), "role", locked ? "main" : null);
    setHidden(find("login"), !form);
    setText(find("door-title"), passwordSet ? say("doorTitle") : say("doorShut"));
    setText(find("door-hint"), passwordSet || !hint ? "" : say("doorHint"));
    setHidden(find("door"), !form && !(locked && hint));
    setText(find("log"), owner ? say("logOut") : this.#asking ? say("cancel") : say("logIn"));
    setHidden(find("log"), !passwordSet || locked);
    if (form && wasHidden) find("password").focus();
  }

  async #logIn() {
    const field = find("password");
    const button = find("enter");
    button.disabled = true;
    setText(find("door-refusal"), "");
    try {
      await post("api/login", { password: field.value });
      field.value = "";
      if (await this.look()) this.#entered();
    } catch (error) {
      setText(find("door-refusal"), error instanceof Refused ? sentence(error.message) : say("noAnswer"));
      field.select();
    }
    button.disabled = false;
  }

  async #pressed() {
    if (this.#access.who === "owner") {
      await post("api/logout", {}).catch(() => null);
      await this.look();
      this.#entered();
    } else {
      this.#asking = !this.#asking;
      setText(find("door-refusal"), "");
      this.#show();
    }
  }
}
