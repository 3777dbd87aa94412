// The tokens of programs: made, shown once, and ended.

import { Refused, get, post, send } from "./api.js";
import { button, card, choice, labelled } from "./fields.js";
import { dateOf } from "./format.js";
import { sureButton } from "./sure.js";
import { say, sentence } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const SCOPES = ["read", "control", "admin"];
const DAYS = ["30", "90", "365", ""]; // "" = without an end
const MOST_NAME = 40;

/** To the clipboard, also where the browser gives none because the page came over plain HTTP. */
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}

export class Tokens {
  card = card("tokensTitle", "wide");
  #frame;
  #list = create("ul", "lines");
  #note = create("p", "note");
  #refusal = create("p", "refusal");
  #form = create("form", "tools");
  #name = Object.assign(create("input"), { type: "text", required: true, maxLength: MOST_NAME, autocomplete: "off" });
  #scope = choice(SCOPES.map((scope) => [scope, say(`scope.${scope}`)]));
  #days = choice(DAYS.map((days) => [days, days ? say("expiresIn", { n: Number(days) }) : say("expiresNever")]));
  #make = create("button", "quiet", say("tokenMake"));
  #fresh = create("div", "fresh");

  constructor(frame) {
    this.#frame = frame;
    this.#days.value = "365";
    this.#make.type = "submit";
    this.#note.setAttribute("role", "status");
    this.#refusal.setAttribute("role", "alert");
    this.#form.setAttribute("aria-label", say("tokenMake"));
    this.#form.append(labelled("tokenName", this.#name, "grow"), labelled("tokenScope", this.#scope), labelled("tokenEnds", this.#days), this.#make);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    this.#fresh.hidden = true;
    this.card.append(create("p", "note", say("tokensText")), this.#list, this.#note, this.#form, this.#refusal, this.#fresh);
    this.#load();
  }

  async #load() {
    try {
      const tokens = await get("api/access/tokens");
      this.#list.replaceChildren(...tokens.map((token) => this.#row(token)));
      setText(this.#note, tokens.length ? "" : say("tokensNone"));
    } catch (error) {
      setText(this.#note, this.#frame.failed(error));
    }
  }

  #row(token) {
    const row = create("li");
    const about = create("div");
    const day = (moment) => dateOf(new Date(moment));
    const facts = [
      say(`scope.${token.scope}`),
      token.used ? say("tokenUsed", { date: day(token.used) }) : say("tokenUnused"),
      token.expires ? say(token.expired ? "tokenExpired" : "tokenExpires", { date: day(token.expires) }) : say("tokenEndless"),
    ];
    about.append(create("b", "", token.name), create("p", token.expired ? "note bad" : "note", facts.join(" · ")));
    const buttons = create("span", "buttons");
    buttons.append(sureButton(say("tokenEnd"), say("tokenEndReally"), token.name, () => this.#end(token.id)));
    row.append(about, buttons);
    return row;
  }

  async #add() {
    const name = this.#name.value.trim();
    const days = this.#days.value;
    this.#refuse("");
    setHidden(this.#fresh, true);
    this.#make.disabled = true;
    try {
      const made = await post("api/access/tokens", { name, scope: this.#scope.value, ...(days ? { expires_days: Number(days) } : {}) });
      this.#form.reset();
      this.#days.value = "365";
      this.#show(made);
      await this.#load();
    } catch (error) {
      this.#refuse(error instanceof Refused ? sentence(error.message) : say("noAnswer"));
      this.#name.focus();
    }
    this.#make.disabled = false;
  }

  #refuse(words) {
    setText(this.#refusal, words);
    setAttribute(this.#name, "aria-invalid", words ? "true" : null);
  }

  async #end(id) {
    try {
      await send("DELETE", `api/access/tokens/${encodeURIComponent(id)}`);
      await this.#load();
    } catch (error) {
      setText(this.#note, this.#frame.failed(error));
    }
  }

  /** The secret, which nothing tells again. */
  #show(made) {
    const field = Object.assign(create("input"), { type: "text", readOnly: true, value: made.token });
    field.addEventListener("focus", () => field.select());
    const copy = button(say("copy"), async () => setText(copy, say((await copied(field)) ? "copied" : "copyFailed")));
    copy.setAttribute("aria-live", "polite");
    const line = create("div", "tools");
    const label = labelled("tokenSecret", field, "grow");
    line.append(label, copy);
    this.#fresh.replaceChildren(create("p", "note", say("tokenOnce", { name: made.name })), line);
    setHidden(this.#fresh, false);
    field.focus();
  }
}
