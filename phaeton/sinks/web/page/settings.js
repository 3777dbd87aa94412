// Settings: a form made from the JSON Schema, judged by the daemon before it is saved, tried out, and brought back.

import { Refused, get, post, send } from "./api.js";
import { button } from "./fields.js";
import { Form } from "./form.js";
import { Review } from "./review.js";
import { Revisions } from "./revisions.js";
import { bare, countOf, difference, patched } from "./shape.js";
import { language, say } from "./text.js";
import { trialOf } from "./trials.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const AGAIN_MS = 1000;
const ATTEMPTS = 30; // the page may be closing and opening again
const SAVING_MS = 60e3;

const look = Object.assign(create("link"), { rel: "stylesheet", href: new URL("settings.css", import.meta.url).href });
document.head.append(look);
const { default: help } = language === "en" ? { default: {} } : await import(`./words/help_${language}.js`);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Settings {
  #frame;
  #admin;
  #closed = false;
  #note = create("p", "note");
  #alert = create("div", "warning");
  #alertText = create("p");
  #alertButtons = create("p", "buttons");
  #tools = create("div", "tools");
  #search = Object.assign(create("input"), { type: "search", autocomplete: "off" });
  #found = create("p", "note");
  #place = create("div");
  #bar = create("div", "save-bar");
  #count = create("p");
  #check = button(say("checkAndSave"), () => this.#judge(), "start off");
  #review;
  #revisions;
  #form = null;
  #schema = null;
  #base = null; // as the daemon has it
  #draft = null; // as the form has it
  #tag = "";
  #unloading = (event) => {
    if (this.#changes) event.preventDefault();
  };

  constructor(place, rest, frame) {
    this.#frame = frame;
    this.#admin = frame.has("admin");
    this.#note.setAttribute("role", "status");
    this.#alert.setAttribute("role", "alert");
    this.#found.setAttribute("role", "status");
    this.#count.setAttribute("role", "status");
    this.#alert.append(this.#alertText, this.#alertButtons);
    const label = create("label", "tool grow");
    label.append(create("span", "", say("searchSettings")), this.#search);
    this.#tools.append(label);
    this.#search.addEventListener("input", () => this.#look());
    const discard = button(say("discard"), () => this.#load());
    this.#bar.append(this.#count, discard, this.#check);
    this.#review = new Review(() => this.#save());
    this.#revisions = new Revisions(frame, () => this.#tag, (saved) => this.#saved(saved));
    for (const one of [this.#tools, this.#alert, this.#bar]) setHidden(one, true);
    place.append(this.#tools, this.#found, this.#note, this.#alert, this.#place, this.#revisions.card, this.#bar, this.#review.dialog);
    addEventListener("beforeunload", this.#unloading);
    this.#load().then(() => this.go(rest));
  }

  close() {
    this.#closed = true;
    removeEventListener("beforeunload", this.#unloading);
  }

  /** Open the section that the address names. */
  go([name]) {
    if (name) this.#form?.show(name);
  }

  get #patch() {
    return this.#base ? difference(this.#base, this.#draft) : {};
  }

  get #changes() {
    return countOf(this.#patch);
  }

  /** Whether the view stays where somebody goes elsewhere: there are changes, and they shall not be lost. */
  stay(event) {
    const { hash } = new URL(event.newURL);
    if (!this.#changes || hash.split("/")[1] === "settings" || confirm(say("leaveReally"))) return false;
    history.replaceState(null, "", event.oldURL);
    return true;
  }

  /** Read all anew; `kept` is a patch that goes on top. */
  async #load(kept = {}, attempts = 1) {
    const opened = this.#form?.opened ?? [];
    this.#refuse("");
    let found;
    for (let left = attempts; !found; left -= 1) {
      try {
        found = await this.#all();
      } catch (error) {
        if (this.#closed) return;
        if (left > 1 && !(error instanceof Refused)) {
          await pause(AGAIN_MS);
          continue;
        }
        this.#refuse(this.#frame.failed(error), [button(say("again"), () => this.#load(kept))]);
        return;
      }
    }
    if (this.#closed) return;
    const [schema, keys, document] = found;
    this.#schema = schema;
    this.#tag = keys.etag;
    this.#base = bare(schema, schema, document);
    this.#draft = patched(structuredClone(this.#base), structuredClone(kept));
    const savable = this.#admin && keys.saves_to !== null;
    this.#form = new Form({
      schema,
      help,
      draft: this.#draft,
      overridden: keys.overridden,
      locked: !savable,
      told: () => this.#tell(),
      trials: (path) => (this.#admin ? trialOf(path, () => this.#patch, this.#frame, (problems) => this.#wrong(problems)) : null),
    });
    this.#place.replaceChildren(this.#form.element);
    for (const name of opened) this.#form.element.querySelector(`[data-section="${name}"]`).open = true;
    const told = !this.#admin ? say("settingsNeedOwner") : keys.saves_to === null ? say("settingsNotSavable", { why: keys.why_not }) : "";
    const where = savable ? say("settingsSavedTo", { file: keys.saves_to }) : told;
    setText(this.#note, [where, ...keys.notices.map((one) => `${one.key}: ${one.text}`)].join(" · "));
    setHidden(this.#tools, false);
    this.#look();
    this.#tell();
    this.#revisions.load();
  }

  /** The tag first: what is read after it can only be newer, and then a save is refused. */
  async #all() {
    const keys = await get("api/config/keys");
    const [schema, document] = await Promise.all([this.#schema ?? get("api/config/schema"), get("api/config")]);
    return [schema, keys, document];
  }

  #look() {
    if (!this.#form) return;
    const count = this.#form.search(this.#search.value);
    setText(this.#found, this.#search.value.trim() ? say("settingsFound", { n: count }) : "");
  }

  #tell() {
    const count = this.#changes;
    setHidden(this.#bar, !count);
    setText(this.#count, count ? say("unsaved", { n: count }) : "");
  }

  #refuse(words, buttons = []) {
    setText(this.#alertText, words);
    this.#alertButtons.replaceChildren(...buttons);
    setHidden(this.#alert, !words);
    setHidden(this.#alertButtons, !buttons.length);
  }

  /** Mistakes at their fields; what has none is told above. */
  #wrong(problems) {
    setText(this.#search, "");
    this.#search.value = "";
    setText(this.#found, "");
    const homeless = this.#form.complain(problems);
    this.#refuse([say("mistakes", { n: problems.length }), ...homeless.map((one) => `${one.path}: ${one.rule}. ${one.remedy}`.trim())].join(" "));
    if (homeless.length) setAttribute(this.#alert, "lang", language === "en" ? null : "en");
    return homeless;
  }

  async #judge() {
    this.#refuse("");
    this.#check.disabled = true;
    try {
      const judged = await post("api/config/check", { patch: this.#patch });
      if (judged.valid) this.#review.ask(judged);
      else this.#wrong(judged.problems);
    } catch (error) {
      this.#refuse(this.#frame.failed(error));
    }
    this.#check.disabled = false;
  }

  async #save() {
    const patch = this.#patch;
    try {
      const saved = await send("PATCH", "api/config", patch, SAVING_MS, { "If-Match": `"${this.#tag}"` });
      this.#review.close();
      await this.#saved(saved);
    } catch (error) {
      this.#review.close();
      if (error instanceof Refused && error.status === 412) this.#conflict(patch);
      else this.#refuse(this.#frame.failed(error));
    }
  }

  #conflict(patch) {
    this.#refuse(say("conflict"), [
      button(say("conflictKeep"), () => this.#load(patch)),
      button(say("conflictDrop"), () => this.#load()),
    ]);
    this.#alert.scrollIntoView({ block: "center" });
  }

  async #saved(saved) {
    await this.#load({}, ATTEMPTS);
    if (!this.#closed) setText(this.#note, [say(saved.changed.length ? "settingsSaved" : "nothingChanged"), ...saved.messages, ...saved.effects].join(" · "));
  }
}

export function open(place, rest, frame) {
  return new Settings(place, rest, frame);
}
