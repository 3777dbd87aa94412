// The lists beside the week: each window and departure with its times, days and amount, for keyboard and screen reader.

import { button } from "./fields.js";
import { say } from "./text.js";
import { DAYS, LONG_DAYS, SHORT_DAYS, daysText, goalText } from "./week.js";
import { create, setAttribute, setHidden, setText, sync } from "./write.js";

function field(key, input) {
  const label = create("label", "tool");
  label.append(create("span", "", say(key)), input);
  return label;
}

const input = (type, more = {}) => Object.assign(create("input"), { type, required: true, ...more });

function set(element, value) {
  const wanted = value === null || value === undefined ? "" : String(value);
  if (element.value !== wanted && !(element.type === "number" && document.activeElement === element)) element.value = wanted;
}

/** The days as chips: all of them is every day, and the last one stays. */
function dayChips(changed) {
  const group = create("fieldset", "chips");
  group.append(create("legend", "", say("planner.days")));
  DAYS.forEach((day, index) => {
    const label = create("label", "chip");
    const box = Object.assign(create("input"), { type: "checkbox", value: day });
    setAttribute(box, "aria-label", LONG_DAYS[index]);
    label.append(box, create("span", "", SHORT_DAYS[index]));
    group.append(label);
  });
  group.addEventListener("change", (event) => {
    const days = [...group.querySelectorAll("input:checked")].map((box) => box.value);
    if (!days.length) event.target.checked = true;
    else changed(days.length === DAYS.length ? [] : days);
  });
  return group;
}

function showDays(group, entry) {
  for (const box of group.querySelectorAll("input")) box.checked = !entry.days.length || entry.days.includes(box.value);
}

export class Entries {
  windows = create("ul", "entries");
  departures = create("ul", "entries");
  #edit;
  #cars = [];

  constructor(edit) {
    this.#edit = edit;
  }

  show(draft, mistakes) {
    this.#cars = draft.cars;
    sync(this.windows, draft.windows, () => this.#made(this.#windowFields()), (row, entry) => {
      this.#fill(row, entry, mistakes.get(entry));
      const { start, end, current } = row.parts;
      set(start, entry.start);
      set(end, entry.end === "24:00" ? "00:00" : entry.end);
      set(current, entry.current_a);
      setAttribute(row.group, "aria-label", say("planner.windowAt", { from: entry.start, until: entry.end, days: daysText(entry) }));
    });
    const all = draft.cars.flatMap((car) => car.departures.map((entry) => ({ car, entry })));
    sync(this.departures, all, () => this.#made(this.#departureFields()), (row, { car, entry }) => {
      this.#fill(row, entry, mistakes.get(entry));
      const { time, amount, unit, name } = row.parts;
      setText(name, car.name);
      set(time, entry.time);
      set(unit, entry.soc_pct === null ? "energy_kwh" : "soc_pct");
      set(amount, entry.soc_pct ?? entry.energy_kwh);
      setAttribute(amount, "max", entry.soc_pct === null ? 1000 : 100);
      setAttribute(row.group, "aria-label", say("planner.departureAt", { car: car.name, time: entry.time, days: daysText(entry), goal: goalText(entry) }));
    });
  }

  /** Bring the first field of an entry under the keyboard. */
  focus(entry) {
    const row = [...this.windows.children, ...this.departures.children].find((one) => one.entry === entry);
    row?.querySelector("input")?.focus();
  }

  #made({ parts, shown }) {
    const row = create("li");
    const group = create("div", "entry");
    group.setAttribute("role", "group");
    const chips = dayChips((days) => this.#change(row, (entry) => { entry.days = days; }));
    const active = Object.assign(create("input"), { type: "checkbox" });
    active.addEventListener("change", () => this.#change(row, (entry) => { entry.active = active.checked; }));
    const used = create("label", "check");
    used.append(active, create("span", "", say("planner.inUse")));
    const away = button(say("remove"), () => this.#edit.remove(row.entry));
    const refusal = create("p", "refusal");
    refusal.setAttribute("role", "alert");
    const foot = create("div", "entry-foot");
    foot.append(used, away);
    group.append(...shown, chips, foot, refusal);
    row.append(group);
    Object.assign(row, { group, parts: { ...parts, chips, active, away, refusal } });
    return row;
  }

  #fill(row, entry, mistake) {
    row.entry = entry;
    showDays(row.parts.chips, entry);
    row.parts.active.checked = entry.active;
    setText(row.parts.refusal, mistake ?? "");
    for (const element of row.querySelectorAll("input, select")) element.disabled = !this.#edit.may;
    setHidden(row.parts.away, !this.#edit.may);
  }

  #change(row, make) {
    this.#edit.begin();
    make(row.entry);
    this.#edit.changed(row.entry);
    this.#edit.end();
  }

  /** Have `make(entry, value)` called when a field holds something right. */
  #on(element, make) {
    element.addEventListener("change", () => {
      const wrong = !element.checkValidity();
      setAttribute(element, "aria-invalid", wrong ? "true" : null);
      if (!wrong) this.#change(element.closest("li"), (entry) => make(entry, element.value));
      else element.reportValidity();
    });
    return element;
  }

  #windowFields() {
    const start = this.#on(input("time", { step: 60 }), (entry, value) => { entry.start = value; });
    const end = this.#on(input("time", { step: 60 }), (entry, value) => { entry.end = value === "00:00" ? "24:00" : value; });
    const current = this.#on(input("number", { required: false, min: 6, max: 80, step: 0.1, placeholder: say("planner.mostCurrent") }), (entry, value) => {
      entry.current_a = value === "" ? null : Number(value);
    });
    const line = create("div", "entry-line");
    line.append(field("planner.windowStart", start), field("planner.windowEnd", end), field("planner.windowCurrent", current));
    return { parts: { start, end, current }, shown: [line] };
  }

  #departureFields() {
    const name = create("b", "entry-name");
    const time = this.#on(input("time", { step: 60 }), (entry, value) => { entry.time = value; });
    const amount = this.#on(input("number", { min: 1, step: 0.1 }), (entry, value) => {
      entry[entry.soc_pct === null ? "energy_kwh" : "soc_pct"] = Number(value);
    });
    const unit = create("select");
    unit.append(new Option("%", "soc_pct"), new Option("kWh", "energy_kwh"));
    this.#on(unit, (entry, value) => {
      entry.soc_pct = value === "soc_pct" ? 80 : null;
      entry.energy_kwh = value === "soc_pct" ? null : 10;
    });
    const line = create("div", "entry-line leaves");
    line.append(field("planner.departureTime", time), field("planner.departureAmount", amount), field("planner.departureUnit", unit));
    return { parts: { name, time, amount, unit }, shown: [name, line] };
  }
}
