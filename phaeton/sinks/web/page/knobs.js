// The settings of a variant: the ones that matter most at hand, all others found by their names.

import { button, choice } from "./fields.js";
import { exact } from "./format.js";
import { described, keysOf, patchOf, valueAt } from "./patch.js";
import { say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

/** Sections that mean something in a simulation. */
const SECTIONS = ["chargers", "site", "auto", "phases", "battery", "schedule", "prices", "forecast", "vehicles"];
const FOUND = 6;
const EVERY = "*"; // of all chargers

const yesNo = () => [["true", say("knobYes")], ["false", say("knobNo")]];

/** Those at hand: sliders with their bounds, or choices. */
const KNOBS = [
  { key: `chargers[${EVERY}].initial.mode`, words: "knob.mode", options: () => ["manual", "auto", "scheduled"].map((mode, n) => [mode, say(`mode.${n}`)]) },
  { key: "auto.min_solar_share_pct", words: "knob.solarShare", min: 0, max: 100, step: 5, unit: "%" },
  { key: "auto.start_delay_s", words: "knob.startDelay", min: 0, max: 900, step: 30, unit: "s" },
  { key: `chargers[${EVERY}].limits.min_set_current_a`, words: "knob.minCurrent", min: 6, max: 16, step: 1, unit: "A" },
  { key: "phases.auto_switch", words: "knob.phases", options: yesNo },
  { key: "battery.priority", words: "knob.priority", options: () => [["battery", say("source.battery")], ["car", say("car")]] },
  { key: "battery.min_soc_pct", words: "knob.minSoc", min: 0, max: 100, step: 5, unit: "%", empty: 0 },
  { key: "schedule.strategy", words: "knob.strategy", options: () => ["windows", "level", "threshold", "percentile", "plan"].map((name) => [name, say(`strategyOf.${name}`)]) },
  { key: "schedule.threshold_per_kwh", words: "knob.threshold", min: 0, max: 0.6, step: 0.01, empty: 0, price: true },
  { key: "schedule.percentile_pct", words: "knob.percentile", min: 5, max: 100, step: 5, unit: "%" },
  { key: "schedule.auto_outside", words: "knob.sunOutside", options: yesNo },
  { key: "schedule.plan.continuous", words: "knob.continuous", options: yesNo },
];

const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

export class Knobs {
  element = create("div", "knobs");
  #document;
  #schema;
  #changes = new Map();
  #own = create("div", "knobs");
  #shown = new Set();

  /** `document` is the configuration as it is, `schema` says what its keys mean. */
  constructor(document, schema) {
    this.#document = document;
    this.#schema = schema;
    const hand = create("div", "knob-grid");
    hand.append(...KNOBS.map((knob) => this.#knob(knob)));
    this.element.append(hand, this.#search(), this.#own);
  }

  /** What is different from today, as a merge patch. */
  get patch() {
    const changes = [...this.#changes].flatMap(([key, value]) =>
      key.includes(EVERY) ? this.#document.chargers.map((_, n) => [key.replace(EVERY, n), value]) : [[key, value]],
    );
    return patchOf(this.#document, changes);
  }

  get count() {
    return this.#changes.size;
  }

  #today(key) {
    return valueAt(this.#document, key.replace(EVERY, "0"));
  }

  #set(key, value, place) {
    const same = textOf(value ?? null) === textOf(this.#today(key) ?? null);
    if (same) this.#changes.delete(key);
    else this.#changes.set(key, value);
    place.classList.toggle("changed", !same);
  }

  #knob(knob) {
    const today = this.#today(knob.key);
    const label = create("label", "knob");
    const name = create("span", "", say(knob.words));
    const shown = create("span", "knob-value");
    setAttribute(shown, "aria-hidden", "true"); // the slider says it itself
    const head = create("span", "knob-head");
    head.append(name, shown);
    if (knob.options) {
      const field = choice(knob.options().map(([value, words]) => [value, value === String(today) ? say("asToday", { value: words }) : words]));
      field.value = String(today);
      field.addEventListener("change", () => this.#set(knob.key, typeof today === "boolean" ? field.value === "true" : field.value, label));
      label.append(head, field);
      return label;
    }
    const least = today ?? knob.empty;
    const steps = (least - knob.min) / knob.step;
    const field = Object.assign(create("input"), {
      type: "range",
      min: Math.min(knob.min, least),
      max: Math.max(knob.max, least),
      step: Math.abs(steps - Math.round(steps)) < 1e-6 ? knob.step : "any",
    });
    field.value = least;
    const start = field.valueAsNumber;
    const unit = knob.price ? `${this.#document.prices.currency}/kWh` : knob.unit;
    const tell = () => {
      const value = field.valueAsNumber;
      const still = value === start;
      const words = still && today === null ? say("knobNotSet") : `${exact(value)}\u00a0${unit}`;
      setText(shown, still ? say("asToday", { value: words }) : words);
      setAttribute(field, "aria-valuetext", shown.textContent);
    };
    field.addEventListener("input", () => {
      tell();
      this.#set(knob.key, field.valueAsNumber === start ? today : field.valueAsNumber, label);
    });
    tell();
    label.append(head, field);
    return label;
  }

  /** Any other setting, by its key or what is said of it. */
  #search() {
    const box = create("div", "key-search");
    const field = Object.assign(create("input"), { type: "search", autocomplete: "off" });
    const label = create("label", "tool");
    label.append(create("span", "", say("otherSetting")), field);
    const list = create("ul", "lines");
    const note = create("p", "note");
    note.setAttribute("role", "status");
    const keys = keysOf(this.#document, SECTIONS).map((key) => [key, described(this.#schema, key).description ?? ""]);
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const fits = ([key, about]) => wanted.every((word) => `${key} ${about}`.toLowerCase().includes(word));
      const found = wanted.length ? keys.filter(fits) : [];
      list.replaceChildren(...found.slice(0, FOUND).map(([key, about]) => {
        const row = create("li");
        const text = create("span");
        text.append(create("code", "", key), create("span", "note", about));
        const add = button(say("addSetting"), () => {
          this.#add(key);
          field.value = "";
          list.replaceChildren();
          setText(note, "");
        });
        setAttribute(add, "aria-label", `${say("addSetting")} ${key}`);
        row.append(text, add);
        return row;
      }));
      if (!wanted.length) setText(note, "");
      else if (!found.length) setText(note, say("noSetting"));
      else setText(note, found.length > FOUND ? say("moreSettings", { count: found.length - FOUND }) : "");
    });
    box.append(label, list, note);
    return box;
  }

  #add(key) {
    if (this.#shown.has(key)) return;
    this.#shown.add(key);
    const today = this.#today(key);
    const about = described(this.#schema, key);
    const row = create("div", "own-knob");
    const label = create("label", "knob");
    const head = create("span", "knob-head");
    head.append(create("code", "", key), create("span", "knob-value", say("asToday", { value: textOf(today) })));
    const field = this.#field(about, today);
    field.addEventListener("input", () => this.#set(key, read(field, about), label));
    label.append(head, field);
    const gone = button(say("remove"), () => {
      this.#changes.delete(key);
      this.#shown.delete(key);
      row.remove();
    });
    setAttribute(gone, "aria-label", `${say("remove")} ${key}`);
    row.append(label, gone);
    if (about.description) row.append(create("p", "note", about.description));
    this.#own.append(row);
    field.focus();
  }

  #field(about, today) {
    if (about.enum || about.type === "boolean") {
      const options = about.enum ? about.enum.map((value) => [String(value), String(value)]) : yesNo();
      const field = choice(about.nullable ? [["", say("knobNotSet")], ...options] : options);
      field.value = today === null ? "" : String(today);
      return field;
    }
    const field = create("input");
    if (about.type === "number" || about.type === "integer") {
      Object.assign(field, { type: "number", step: about.type === "integer" ? 1 : "any" });
      if (about.minimum !== undefined) field.min = about.minimum;
      if (about.maximum !== undefined) field.max = about.maximum;
    }
    field.value = today === null ? "" : textOf(today);
    return field;
  }
}

/** What a field says, as the kind of value that the key has; what is no JSON goes as text and is judged there. */
function read(field, about) {
  if (field.value === "" && (about.nullable || about.type !== "string")) return null;
  if (about.type === "boolean") return field.value === "true";
  if (about.type === "number" || about.type === "integer") return field.valueAsNumber;
  if (about.type === "array" || about.type === "object") {
    try {
      return JSON.parse(field.value);
    } catch {
      return field.value;
    }
  }
  return field.value;
}
