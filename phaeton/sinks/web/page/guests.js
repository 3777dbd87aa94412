// Whether who is not logged in sees what happens.

import { Refused, get, send } from "./api.js";
import { card } from "./fields.js";
import { say, sentence } from "./text.js";
import { create, setText } from "./write.js";

const TRIES = 20;
const PAUSE_MS = 500;

const pause = () => new Promise((done) => { setTimeout(done, PAUSE_MS); });

export class Guests {
  card = card("guestsTitle");
  #frame;
  #box = Object.assign(create("input"), { type: "checkbox", disabled: true });
  #refusal = create("p", "refusal");

  constructor(frame) {
    this.#frame = frame;
    const label = create("label", "check");
    label.append(this.#box, create("span", "", say("guestsSee")));
    this.#box.addEventListener("change", () => this.#save());
    this.#refusal.setAttribute("role", "alert");
    this.card.append(create("p", "note", say("guestsText")), label, this.#refusal);
    this.#look();
  }

  async #look() {
    try {
      this.#box.checked = (await get("api/access")).guest;
      this.#box.disabled = false;
    } catch (error) {
      setText(this.#refusal, this.#frame.failed(error));
    }
  }

  async #save() {
    const wanted = this.#box.checked;
    this.#box.disabled = true;
    setText(this.#refusal, "");
    try {
      await send("PATCH", "api/config", { web: { access: { guest: wanted } } });
      await this.#inForce(wanted);
    } catch (error) {
      this.#box.checked = !wanted;
      setText(this.#refusal, error instanceof Refused ? sentence(error.message) : say("noAnswer"));
    }
    this.#box.disabled = false;
  }

  /** The page's server begins anew with it, and does not answer for a moment. */
  async #inForce(wanted) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const access = await get("api/access").catch(() => null);
      if (access?.guest === wanted) return;
      await pause();
    }
  }
}
