// The registers of a charger as they were read last.

import { get } from "./api.js";
import { Looked } from "./bus.js";
import { button, card, choice, labelled, table } from "./fields.js";
import { exact, span } from "./format.js";
import { say } from "./text.js";
import { create, setHidden } from "./write.js";

const RAW_MOST = 16;

/** Long texts would push the other columns out of sight. */
function shortened(raw) {
  if (raw === null) return say("unknown");
  return raw.length > RAW_MOST ? `${raw.slice(0, RAW_MOST)}…` : raw;
}

export class Registers {
  card = card("registers");
  #frame;
  #place = create("div", "tree");
  #points = choice([]);
  #field = labelled("charger", this.#points);
  #looked;
  #profile = create("p", "note");

  constructor(frame) {
    this.#frame = frame;
    this.#field.hidden = true;
    this.card.append(this.#profile, this.#field);
    this.#looked = new Looked(this.card, "registerSearch");
    this.card.append(this.#place, button(say("refresh"), () => this.#load()));
    this.#points.addEventListener("change", () => this.#load());
    this.#begin();
  }

  #begin() {
    const chargers = this.#frame.status?.chargers ?? [];
    for (const charger of chargers) this.#points.append(new Option(charger.name, charger.id));
    setHidden(this.#field, chargers.length < 2);
    if (chargers.length) this.#load();
  }

  async #load() {
    let found;
    try {
      found = await get(`api/chargers/${encodeURIComponent(this.#points.value)}/registers`);
    } catch (error) {
      this.#looked.tell(this.#frame.failed(error));
      return;
    }
    this.#profile.textContent = `${found.profile} · Modbus ${found.unit}, ${found.station_unit}`;
    const titles = ["register", "address", "value", "raw", "age"].map((key) => say(key));
    const rows = found.registers.map((one) => [
      one.name,
      `${one.unit}:${one.address}`,
      one.quality === "good" ? [exact(one.value), one.uom, one.text && `(${one.text})`].filter((part) => part !== null && part !== "").join(" ") : say(`quality.${one.quality}`),
      shortened(one.raw),
      span(one.age_s),
    ]);
    const shown = table(say("registers"), titles, rows);
    this.#place.replaceChildren(shown);
    const body = shown.querySelector("tbody");
    this.#looked.fill([...body.children].map((row) => [row, row.textContent]));
  }
}
