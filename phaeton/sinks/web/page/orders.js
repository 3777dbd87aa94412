// Orders shown at once and taken back honestly: what was asked for is shown until the daemon's own state holds it,
// or until it is refused.

import { Refused, post } from "./api.js";

export class Orders {
  #pending = new Map(); // "charger control" -> {value, seq}
  #busy = new Set();
  #next = new Map();
  #seq = 0;
  #changed;
  #refused;

  /** `changed()` when something to show changed, `refused(control, detail)`, with detail null without an answer. */
  constructor(changed, refused) {
    this.#changed = changed;
    this.#refused = refused;
  }

  /** The value to show for a control: what was asked for while it is on its way, else what is. */
  shown(charger, control, actual) {
    const pending = this.#pending.get(`${charger} ${control}`);
    return pending ? pending.value : actual;
  }

  waits(charger, control) {
    return this.#pending.has(`${charger} ${control}`);
  }

  /** Show `value` at once and ask for it; of several quick changes only the last is sent. */
  async ask(charger, control, path, body, value) {
    const key = `${charger} ${control}`;
    this.#pending.set(key, { value, seq: Infinity });
    this.#changed();
    if (this.#busy.has(key)) {
      this.#next.set(key, [charger, control, path, body, value]);
      return;
    }
    this.#busy.add(key);
    try {
      const answer = await post(`api/chargers/${encodeURIComponent(charger)}/${path}`, body);
      if (!this.#next.has(key)) this.#pending.set(key, { value, seq: answer.seq });
      this.arrived(this.#seq);
    } catch (error) {
      if (!this.#next.has(key)) this.#pending.delete(key);
      this.#refused(control, error instanceof Refused ? error.message : null);
    }
    this.#busy.delete(key);
    const next = this.#next.get(key);
    this.#next.delete(key);
    if (next) await this.ask(...next);
    else this.#changed();
  }

  /** A snapshot came: what it holds needs no showing ahead any more. */
  arrived(seq) {
    this.#seq = seq;
    for (const [key, pending] of this.#pending) if (seq >= pending.seq) this.#pending.delete(key);
  }

  /** The connection was lost: nothing is known of what is on its way. */
  forget() {
    this.#pending.clear();
    this.#seq = 0;
    this.#changed();
  }
}
