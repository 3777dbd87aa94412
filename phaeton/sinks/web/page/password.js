// The password of the house: the first one, or another one.

import { Refused, get, send } from "./api.js";
import { card } from "./fields.js";
import { say, sentence } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const SHORTEST = 8;

function secret(key, autocomplete) {
  const field = Object.assign(create("input"), { type: "password", required: true, maxLength: 1024, autocomplete });
  field.id = `access-${key}`;
  const label = create("label", "", say(key));
  label.htmlFor = field.id;
  return { label, field };
}

export class Password {
  card = card("passwordTitle");
  #changed;
  #note = create("p", "note");
  #form = create("form", "fields");
  #old = secret("passwordOld", "current-password");
  #new = secret("passwordNew", "new-password");
  #again = secret("passwordAgain", "new-password");
  #press = create("button", "start off");
  #said = create("p", "hint");
  #refusal = create("p", "refusal");
  #set = false;

  /** `changed()` when another one is in force. */
  constructor(changed) {
    this.#changed = changed;
    this.#new.field.minLength = SHORTEST;
    this.#press.type = "submit";
    this.#said.setAttribute("role", "status");
    this.#refusal.setAttribute("role", "alert");
    this.#refusal.id = "access-refusal";
    const owner = Object.assign(create("input"), { type: "text", value: "owner", autocomplete: "username", hidden: true });
    this.#form.append(owner);
    for (const { label, field } of [this.#old, this.#new, this.#again]) this.#form.append(label, field);
    const buttons = create("p", "buttons");
    buttons.append(this.#press);
    this.#form.append(buttons, this.#said, this.#refusal);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.card.append(this.#note, this.#form);
    this.#look();
  }

  async #look() {
    const access = await get("api/access").catch(() => null);
    if (access) this.#show(access.password_set, access.may_set_password);
  }

  #show(set, mayBegin) {
    this.#set = set;
    setText(this.#note, say(set ? "passwordIsSet" : "passwordIsNone"));
    setHidden(this.#old.label, !set);
    setHidden(this.#old.field, !set);
    this.#old.field.required = set;
    setHidden(this.#form, !set && !mayBegin);
    setText(this.#press, say(set ? "passwordChange" : "passwordSet"));
  }

  #refuse(words, field) {
    setText(this.#refusal, words);
    for (const { field: one } of [this.#old, this.#new, this.#again]) {
      setAttribute(one, "aria-invalid", one === field ? "true" : null);
      setAttribute(one, "aria-describedby", one === field ? this.#refusal.id : null);
    }
    field?.focus();
  }

  async #save() {
    const [before, after] = [this.#old.field, this.#new.field];
    this.#refuse("", null);
    setText(this.#said, "");
    if (after.value !== this.#again.field.value) return this.#refuse(say("passwordsDiffer"), this.#again.field);
    this.#press.disabled = true;
    try {
      await send("PUT", "api/access/password", { old: before.value, new: after.value });
      const first = !this.#set;
      this.#form.reset();
      this.#show(true, false);
      setText(this.#said, say(first ? "passwordDoneFirst" : "passwordDone"));
      this.#changed();
    } catch (error) {
      if (error instanceof Refused) this.#refuse(sentence(error.message), error.field === "old" ? before : after);
      else this.#refuse(say("noAnswer"), null);
    }
    this.#press.disabled = false;
  }
}
