// Who changed what, the newest first.

import { get } from "./api.js";
import { button, card } from "./fields.js";
import { momentOf } from "./format.js";
import { known, say } from "./text.js";
import { create, setHidden, setText } from "./write.js";

const PAGE = 20;
const REFUSED = 400;

function nameOf(who) {
  const [kind, ...name] = who.split(" ");
  const key = `who.${kind || "stranger"}`;
  return known(key) ? [say(key), ...name].join(" ") : who;
}

export class Audit {
  card = card("auditTitle", "wide");
  #frame;
  #list = create("ul", "lines");
  #note = create("p", "note");
  #older = button(say("auditOlder"), () => this.#load());
  #last = "";

  constructor(frame) {
    this.#frame = frame;
    this.#note.setAttribute("role", "status");
    this.#older.hidden = true;
    const buttons = create("p", "files");
    buttons.append(this.#older);
    this.card.append(this.#list, this.#note, buttons);
    this.#load();
  }

  async #load() {
    const query = new URLSearchParams({ limit: PAGE, ...(this.#last ? { before: this.#last } : {}) });
    this.#older.disabled = true;
    try {
      const { entries, more } = await get(`api/audit?${query}`);
      this.#list.append(...entries.map((entry) => this.#row(entry)));
      this.#last = entries.at(-1)?.time ?? this.#last;
      setText(this.#note, this.#list.children.length ? "" : say("auditNone"));
      setHidden(this.#older.parentElement, !more);
      setHidden(this.#older, !more);
    } catch (error) {
      setText(this.#note, this.#frame.failed(error));
    }
    this.#older.disabled = false;
  }

  #row(entry) {
    const row = create("li");
    const about = create("div");
    const refused = (entry.status ?? 0) >= REFUSED;
    about.append(create("b", "", entry.detail || entry.what));
    const facts = [momentOf(new Date(entry.time)), nameOf(entry.who), entry.address, entry.detail ? entry.what : ""].filter(Boolean);
    about.append(create("p", "note", facts.join(" · ")));
    row.append(about);
    if (refused) row.append(create("span", "note bad", say("auditRefused", { status: entry.status })));
    return row;
  }
}
