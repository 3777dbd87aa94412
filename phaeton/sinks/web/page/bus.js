// What Phaeton publishes on D-Bus, to look through.

import { get } from "./api.js";
import { button, card, labelled } from "./fields.js";
import { wholeNumber } from "./format.js";
import { say } from "./text.js";
import { create, setHidden, setText } from "./write.js";

/** A list that is looked through by a search field. */
export class Looked {
  #rows = [];
  #note;

  constructor(place, key) {
    const search = Object.assign(create("input"), { type: "search" });
    search.addEventListener("input", () => this.#show(search.value));
    this.#note = create("p", "note");
    this.#note.setAttribute("role", "status");
    const field = labelled(key, search, "grow");
    place.append(field, this.#note);
    this.search = search;
  }

  /** Elements, each with the words that it is found by. */
  fill(rows) {
    this.#rows = rows.map(([element, words]) => [element, words.toLowerCase()]);
    this.#show(this.search.value);
  }

  tell(words) {
    setText(this.#note, words);
  }

  #show(wanted) {
    const parts = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [element, words] of this.#rows) {
      const fits = parts.every((part) => words.includes(part));
      setHidden(element, !fits);
      count += fits ? 1 : 0;
    }
    if (this.#rows.length) this.tell(say("found", { n: this.#rows.length, count: wholeNumber(count), all: wholeNumber(this.#rows.length) }));
  }
}

export class BusTree {
  card = card("bus");
  #frame;
  #list = create("ul", "lines tree");
  #looked;

  constructor(frame) {
    this.#frame = frame;
    this.#list.tabIndex = 0;
    this.#list.setAttribute("aria-label", say("bus"));
    this.#looked = new Looked(this.card, "busSearch");
    this.card.append(this.#list, button(say("refresh"), () => this.#load()));
    this.#load();
  }

  async #load() {
    try {
      const { services } = await get("api/dbus?form=tree");
      const rows = services.flatMap(({ name, items }) => Object.entries(items).map(([path, item]) => this.#row(name, path, item)));
      this.#list.replaceChildren(...rows.map(([row]) => row));
      this.#looked.fill(rows);
      setHidden(this.#list, !rows.length);
      if (!rows.length) this.#looked.tell(say("busNone"));
    } catch (error) {
      this.#looked.tell(this.#frame.failed(error));
    }
  }

  #row(service, path, item) {
    const row = create("li");
    const name = create("code", "", `${service} ${path}`);
    const raw = item.value === null ? say("unknown") : String(item.value);
    row.append(name, create("b", "", item.text || raw));
    return [row, `${service} ${path} ${raw} ${item.text}`];
  }
}
