// Earlier settings: who changed what and when, what became of it since, and the way back.

import { Refused, get, send } from "./api.js";
import { button, card } from "./fields.js";
import { momentOf } from "./format.js";
import { sureButton } from "./sure.js";
import { known, language, say, sentence } from "./text.js";
import { create, setAttribute, setText } from "./write.js";

const SHOWN = 10;
const SAVING_MS = 60e3;

export class Revisions {
  card = card("revisionsTitle", "wide revisions");
  #frame;
  #tag;
  #restored;
  #all = false;
  #refusal = create("p", "refusal");
  #note = create("p", "note");
  #list = create("ul", "lines");

  /** `tag` gives that of the settings as they were read; `restored` is called with what was saved. */
  constructor(frame, tag, restored) {
    this.#frame = frame;
    this.#tag = tag;
    this.#restored = restored;
    this.#refusal.setAttribute("role", "alert");
    this.card.append(this.#note, this.#list, this.#refusal);
  }

  async load() {
    try {
      const found = await get("api/config/revisions");
      setText(this.#note, found.length ? "" : say("revisionsNone"));
      const shown = this.#all ? found : found.slice(0, SHOWN);
      this.#list.replaceChildren(...shown.map((one) => this.#row(one)));
      if (shown.length < found.length) {
        const row = create("li");
        row.append(button(say("revisionsAll", { n: found.length }), () => {
          this.#all = true;
          this.load();
        }));
        this.#list.append(row);
      }
    } catch (error) {
      setText(this.#note, this.#frame.failed(error));
    }
  }

  #row(one) {
    const row = create("li");
    const more = create("details");
    const who = known(`revisionBy.${one.who}`) ? say(`revisionBy.${one.who}`) : one.who;
    const about = [`${one.number}`, momentOf(new Date(one.time)), who, one.in_force ? say("revisionInForce") : ""];
    const changes = create("ul", "changes");
    changes.append(...one.changed.map((line) => create("li", "", line)));
    if (one.note) changes.append(create("li", "", sentence(one.note)));
    if (language !== "en") changes.lang = "en";
    const body = create("div", "revision");
    more.append(create("summary", "", about.filter(Boolean).join(" · ")), changes, body);
    more.addEventListener("toggle", () => { if (more.open) this.#look(one, body); });
    row.append(more);
    return row;
  }

  /** What is different in the settings of now, and the button that brings these back. */
  async #look(one, place) {
    let found;
    try {
      found = await get(`api/config/revisions/${one.number}`);
    } catch (error) {
      place.replaceChildren(create("p", "note", this.#frame.failed(error)));
      return;
    }
    if (!found.diff) {
      place.replaceChildren(create("p", "note", say("revisionSame")));
      return;
    }
    const text = create("pre", "diff");
    text.tabIndex = 0;
    text.setAttribute("role", "region");
    setAttribute(text, "aria-label", say("revisionSince"));
    for (const line of found.diff.trimEnd().split("\n").slice(2)) {
      text.append(create("span", { "+": "plus", "-": "minus", "@": "place" }[line[0]] ?? "", `${line}\n`));
    }
    const parts = [create("h3", "", say("revisionSince")), create("p", "note", say("revisionDiffHint")), text];
    if (this.#frame.has("admin")) {
      const row = create("p", "buttons");
      row.append(sureButton(say("revisionRestore"), say("revisionRestoreReally"), `${one.number}`, () => this.#restore(one.number)));
      parts.push(row);
    }
    place.replaceChildren(...parts);
  }

  async #restore(number) {
    setText(this.#refusal, "");
    try {
      const path = `api/config/revisions/${number}/restore`;
      await this.#restored(await send("POST", path, {}, SAVING_MS, { "If-Match": `"${this.#tag()}"` }));
    } catch (error) {
      const changed = error instanceof Refused && error.status === 412;
      setText(this.#refusal, changed ? say("revisionConflict") : this.#frame.failed(error));
    }
  }
}
