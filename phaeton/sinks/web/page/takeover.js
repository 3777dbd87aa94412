// A variant taken over as the settings: judged first, told what changes, and saved when it is confirmed.

import { Refused, get, post, send } from "./api.js";
import { button } from "./fields.js";
import { valueAt } from "./patch.js";
import { say } from "./text.js";
import { create, setText } from "./write.js";

const MODES = ["manual", "auto", "scheduled"];

/** The names of the chargers, as their charging points are called. */
export const namesOf = (document) => document.chargers.map((one, n) => one.id || String(one.device_instance ?? n + 1));

/**
 * What to save of a patch, and what to order: the mode is none of the saved settings of a running house, so it is
 * asked for at the charging points. The chargers are left out where nothing else of them changes.
 */
export function wanted(patch, document, status) {
  const saved = structuredClone(patch);
  const modes = [];
  if (saved.chargers) {
    const names = namesOf(document);
    saved.chargers.forEach((one, n) => {
      const point = status?.chargers.find((found) => found.id === names[n]);
      if (point && one.initial.mode !== MODES[point.mode]) modes.push([names[n], MODES.indexOf(one.initial.mode)]);
      one.initial = valueAt(document, `chargers[${n}].initial`) ?? one.initial;
    });
    if (JSON.stringify(saved.chargers) === JSON.stringify(document.chargers)) delete saved.chargers;
  }
  return { saved, modes };
}

export class TakeOver {
  element = create("div", "takeover");
  #frame;
  #run;
  #told = create("div");
  #refusal = create("p", "refusal");

  constructor(run, frame) {
    this.#run = run;
    this.#frame = frame;
    this.#refusal.setAttribute("role", "alert");
    const begin = button(say("takeOver"), () => this.#judge());
    begin.setAttribute("aria-label", `${say("takeOver")} ${run.name}`);
    const row = create("p", "orders");
    row.append(begin);
    this.element.append(row, this.#told, this.#refusal);
  }

  async #judge() {
    setText(this.#refusal, "");
    try {
      const [document, status] = await Promise.all([get("api/config"), get("api/status")]);
      const what = wanted(this.#run.set, document, status);
      const found = Object.keys(what.saved).length ? await post("api/config/check", { patch: what.saved }) : { valid: true, changed: [], effects: [], problems: [] };
      this.#ask(what, found);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #ask(what, found) {
    if (!found.valid) {
      const words = found.problems.map((one) => [one.path, one.rule].filter(Boolean).join(": ")).join("; ");
      setText(this.#refusal, say("takeOverRefused", { detail: words }));
      return;
    }
    const changes = [...what.modes.map(([point, mode]) => say("modeBecomes", { point, mode: say(`mode.${mode}`) })), ...found.changed, ...found.effects];
    if (!changes.length) {
      this.#told.replaceChildren(create("p", "note", say("nothingToTakeOver")));
      return;
    }
    const list = create("ul", "lines");
    list.append(...changes.map((words) => create("li", "", words)));
    const sure = button(say("takeOverNow"), () => this.#save(what), "start off");
    const row = create("p", "orders");
    row.append(sure, button(say("cancel"), () => this.#told.replaceChildren()));
    this.#told.replaceChildren(create("p", "", say("takeOverChanges")), list, row);
    sure.focus();
  }

  async #save({ saved, modes }) {
    setText(this.#refusal, "");
    try {
      const done = Object.keys(saved).length ? await send("PATCH", "api/config", saved) : { messages: [] };
      for (const [point, mode] of modes) await post(`api/chargers/${encodeURIComponent(point)}/mode`, { mode });
      const note = create("p", "warning wait", [say("takenOver"), ...(done.messages ?? [])].join(" "));
      note.setAttribute("role", "status");
      this.#told.replaceChildren(note);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error) {
    setText(this.#refusal, error instanceof Refused ? say("takeOverRefused", { detail: error.message.replace(/\.$/, "") }) : this.#frame.failed(error));
  }
}
