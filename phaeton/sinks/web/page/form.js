// A form made from the JSON Schema: sections that open, groups, lists, a field for each setting, mistakes at their places.

import { button } from "./fields.js";
import { fieldOf, rangeOf } from "./inputs.js";
import { bare, itemOf, kindOf } from "./shape.js";
import { known, language, say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const SHORT_FORMS = ["version", "charger"]; // the first is the program's, the second is short for `chargers`
const NAMING = ["name", "id", "host", "time", "start", "per_kwh", "kwp"];
const general = (path) => path.replace(/\[\d+\]/g, "");
const join = (path, name) => (path ? `${path}.${name}` : name);

export class Form {
  element = create("div", "stackcards");
  #schema;
  #help;
  #draft;
  #overridden;
  #locked;
  #told;
  #trials;
  #fields = new Map(); // path -> { row, label, error, field }
  #number = 0;

  /** `told` is called after each change of the draft; `trials` gives a button for the settings of a path, or null. */
  constructor({ schema, help, draft, overridden, locked, told, trials }) {
    this.#schema = schema;
    this.#help = help;
    this.#draft = draft;
    this.#overridden = overridden;
    this.#locked = locked;
    this.#told = told;
    this.#trials = trials;
    const root = kindOf(schema, { $ref: schema.$ref });
    for (const [name, node] of Object.entries(root.properties)) {
      if (!SHORT_FORMS.includes(name)) this.element.append(this.#section(name, node));
    }
  }

  // What is there.

  #named(path, found) {
    const key = `key.${general(path)}`;
    return known(key) ? [say(key), null] : [found.title ?? path, "en"];
  }

  #heading(tag, path, found) {
    const [words, lang] = this.#named(path, found);
    const made = create(tag, "", words);
    setAttribute(made, "lang", lang);
    return made;
  }

  /** What is said of a setting, in the language of the page where it is there. */
  #about(path, found) {
    const own = this.#help[general(path)];
    const words = own ?? found.description ?? "";
    const made = create("p", "note", words.charAt(0).toUpperCase() + words.slice(1));
    if (!own && language !== "en") made.lang = "en";
    return made;
  }

  #section(name, node) {
    const found = kindOf(this.#schema, node);
    const made = create("details", "card wide section");
    made.dataset.section = name;
    const summary = create("summary");
    summary.append(this.#heading("h2", name, found));
    const body = create("div", "section-body");
    if (found.description) body.append(this.#about(name, found));
    if (found.kind === "list") body.append(this.#list(name, found, this.#draft, name));
    else body.append(...this.#group(name, found, this.#draft[name]));
    this.#addTrial(body, name);
    made.append(summary, body);
    return made;
  }

  #addTrial(place, path) {
    const trial = this.#trials(path);
    if (trial) place.append(trial);
  }

  /** The fields of a group; what belongs to one source only is there while that is chosen. */
  #group(path, found, value) {
    const rows = [];
    const sources = ["source", "fallback"].filter((name) => name in found.properties);
    const dependent = [];
    for (const [name, node] of Object.entries(found.properties)) {
      const below = kindOf(this.#schema, node);
      const made = this.#setting(join(path, name), below, value, name, () => choose());
      rows.push(made);
      const owners = sources.filter((source) => found.properties[source].enum.includes(name));
      if (owners.length) dependent.push([name, owners, made]);
    }
    const choose = () => {
      for (const [name, owners, made] of dependent) {
        const chosen = owners.some((source) => (value[source] ?? found.properties[source].default) === name);
        made.classList.toggle("elsewhere", !chosen);
      }
    };
    choose();
    return rows;
  }

  #setting(path, found, holder, name, changed) {
    if (found.kind === "group") {
      const made = create("fieldset", "group");
      made.append(this.#heading("legend", path, found), ...(found.description ? [this.#about(path, found)] : []));
      made.append(...this.#group(path, found, holder[name]));
      return made;
    }
    if (found.kind === "list") {
      const made = create("fieldset", "group");
      made.append(this.#heading("legend", path, found), ...(found.description ? [this.#about(path, found)] : []));
      made.append(this.#list(path, found, holder, name));
      return made;
    }
    if (found.kind === "secret") return this.#secret(path, found, holder[name]);
    return this.#row(path, found, holder, name, changed);
  }

  /** A secret in the file itself, or where it is kept instead. */
  #secret(path, found, holder) {
    const made = create("div", "secret-group");
    const value = { ...kindOf(this.#schema, found.properties.value), kind: "secret", title: found.title, description: found.description };
    const row = this.#row(`${path}.value`, value, holder, "value", () => {}, path);
    const elsewhere = create("details", "elsewhere-kept");
    elsewhere.append(create("summary", "", say("secretElsewhere")));
    for (const name of ["file", "env"]) {
      elsewhere.append(this.#row(`${path}.${name}`, kindOf(this.#schema, found.properties[name]), holder, name, () => {}, `secret.${name}`));
    }
    elsewhere.open = Boolean(holder.file || holder.env);
    made.append(row, elsewhere);
    return made;
  }

  #row(path, found, holder, name, changed, words = path) {
    const row = create("div", `setting kind-${found.kind}`);
    const id = `setting-${++this.#number}`;
    const label = this.#heading(found.kind === "choices" ? "span" : "label", words, found);
    label.id = `${id}-name`;
    const items = found.kind === "choices" ? itemOf(this.#schema, found) : null;
    const element = fieldOf(found, holder[name], (value) => {
      holder[name] = value;
      this.#complain(path, "");
      changed();
      this.#told();
    }, items);
    const field = element.matches("input, select, textarea") ? element : element.querySelector("input");
    const help = this.#about(words, found);
    help.id = `${id}-help`;
    const error = create("p", "refusal");
    error.id = `${id}-error`;
    if (found.kind === "choices") {
      element.setAttribute("role", "group");
      element.setAttribute("aria-labelledby", label.id);
      element.setAttribute("aria-describedby", `${help.id} ${error.id}`);
    } else {
      field.id = id;
      label.htmlFor = id;
      field.setAttribute("aria-describedby", `${help.id} ${error.id}`);
    }
    const place = create("div", "setting-field");
    place.append(element);
    if (found.unit && !found.unit.includes("kWh/")) place.append(create("span", "unit", found.unit));
    const variable = this.#overridden[path] ?? this.#overridden[path.replace(/\.value$/, "")];
    const locked = this.#locked || Boolean(variable);
    for (const one of place.querySelectorAll("input, select, textarea, button")) one.disabled = locked;
    const range = found.kind === "number" ? rangeOf(found) : "";
    if (range) help.append(` ${range}`);
    if (variable) help.append(` ${say("fromVariable", { name: variable })}`);
    setHidden(help, !help.textContent.trim());
    row.append(label, place, help, error);
    row.dataset.words = `${path} ${label.textContent} ${help.textContent} ${found.enum?.join(" ") ?? ""}`.toLowerCase();
    this.#fields.set(path, { row, label, error, field });
    return row;
  }

  // Lists of structs.

  #list(path, found, holder, name) {
    const made = create("div", "list");
    const show = (focused) => this.#fillList(made, path, found, holder[name], show, focused);
    show();
    return made;
  }

  #fillList(place, path, found, items, show, focused = null) {
    const open = [...place.querySelectorAll(":scope > details")].map((one) => one.open);
    for (const key of [...this.#fields.keys()]) if (key.startsWith(`${path}[`)) this.#fields.delete(key);
    const changed = (index) => {
      this.#told();
      show(index);
    };
    const made = items.map((item, index) => {
      const one = create("details", "item");
      one.open = open[index] ?? false;
      const summary = create("summary", "", this.#itemName(item, path, found, index));
      one.addEventListener("input", () => setText(summary, this.#itemName(item, path, found, index)));
      const here = `${path}[${index}]`;
      one.append(summary, ...this.#group(here, itemOf(this.#schema, found), item));
      this.#addTrial(one, here);
      if (!this.#locked) one.append(this.#itemButtons(items, index, changed, summary));
      return one;
    });
    const add = button(say("addItem"), () => {
      const fresh = bare(this.#schema, found.items, {});
      items.push(fresh);
      changed(items.length - 1);
    });
    const [words] = this.#named(path, found);
    setAttribute(add, "aria-label", `${say("addItem")} (${words})`);
    const full = found.maxItems !== undefined && items.length >= found.maxItems;
    place.replaceChildren(...(items.length ? made : [create("p", "note", say("emptyList"))]), ...(this.#locked || full ? [] : [add]));
    if (focused === null) return;
    const target = made[Math.min(focused, made.length - 1)];
    if (target && focused < made.length) {
      target.open = true;
      (target.querySelector("input, select") ?? target).focus();
    } else add.focus();
  }

  #itemName(item, path, found, index) {
    const name = NAMING.map((key) => item[key]).find((value) => value !== null && value !== undefined && value !== "");
    const words = name === undefined ? say("itemNew") : String(name);
    return item.end && item.start === name ? `${index + 1}. ${item.start}–${item.end}` : `${index + 1}. ${words}`;
  }

  #itemButtons(items, index, changed, summary) {
    const row = create("p", "buttons item-buttons");
    const swap = (other) => {
      [items[index], items[other]] = [items[other], items[index]];
      changed(other);
    };
    const named = (made, words) => setAttribute(made, "aria-label", `${words} ${summary.textContent}`);
    const up = button(say("moveUp"), () => swap(index - 1));
    const down = button(say("moveDown"), () => swap(index + 1));
    const gone = button(say("removeItem"), () => {
      items.splice(index, 1);
      changed(items.length);
    });
    up.disabled = index === 0;
    down.disabled = index === items.length - 1;
    named(up, say("moveUp"));
    named(down, say("moveDown"));
    named(gone, say("removeItem"));
    row.append(...(items.length > 1 ? [up, down] : []), gone);
    return row;
  }

  // What is searched for.

  /** Show what has all the words; returns how many settings that are. */
  search(words) {
    const wanted = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const before = this.element.classList.contains("searching");
    this.element.classList.toggle("searching", wanted.length > 0);
    let count = 0;
    for (const row of this.element.querySelectorAll(".setting")) {
      const fits = wanted.every((word) => row.dataset.words.includes(word));
      setHidden(row, !fits);
      count += fits ? 1 : 0;
    }
    for (const box of this.element.querySelectorAll("fieldset, .item, .secret-group, .section")) {
      const hit = box.querySelector(".setting:not([hidden])") !== null;
      setHidden(box, wanted.length > 0 && !hit);
      if (box.tagName === "DETAILS" && wanted.length) box.open = hit;
    }
    if (before && !wanted.length) for (const box of this.element.querySelectorAll(".section")) box.open = false;
    return count;
  }

  /** Open a section, and go there. */
  show(name) {
    const section = this.element.querySelector(`[data-section="${CSS.escape(name)}"]`);
    if (!section) return;
    section.open = true;
    section.scrollIntoView();
  }

  get opened() {
    return [...this.element.querySelectorAll(".section[open]")].map((section) => section.dataset.section);
  }

  // What is wrong.

  #complain(path, words) {
    const at = this.#fields.get(path);
    if (!at || at.error.textContent === words) return;
    setText(at.error, words);
    setAttribute(at.error, "lang", words && language !== "en" ? "en" : null);
    setAttribute(at.field, "aria-invalid", words ? "true" : null);
  }

  /** Tell mistakes at their fields, and go to the first; returns those that have no field. */
  complain(problems) {
    for (const path of this.#fields.keys()) this.#complain(path, "");
    if (problems.length) this.search("");
    let first = null;
    const homeless = [];
    for (const problem of problems) {
      const path = this.#pathOf(problem.path);
      if (path === null) {
        homeless.push(problem);
        continue;
      }
      const at = this.#fields.get(path);
      const remedy = problem.remedy ? ` ${problem.remedy}.` : "";
      this.#complain(path, `${problem.rule.charAt(0).toUpperCase()}${problem.rule.slice(1)}.${remedy}`);
      for (let box = at.field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
      for (let box = at.field.closest(".elsewhere"); box; box = box.parentElement.closest(".elsewhere")) box.classList.remove("elsewhere");
      if (!first || first.compareDocumentPosition(at.field) & Node.DOCUMENT_POSITION_PRECEDING) first = at.field;
    }
    first?.focus();
    return homeless;
  }

  /** The field that a key belongs to: its own, that of its secret, or the first below it. */
  #pathOf(path) {
    const own = [path, `${path}.value`].find((one) => this.#fields.has(one));
    if (own) return own;
    if (!path) return null;
    return [...this.#fields.keys()].find((one) => one.startsWith(`${path}.`) || one.startsWith(`${path}[`) || path.startsWith(`${one}[`) || path.startsWith(`${one}.`)) ?? null;
  }
}
