// The planner: windows and departures on a week, and what the plan will cost, told while it is still being drawn.

import { Refused, get, getChanged, post, send } from "./api.js";
import { Entries } from "./entries.js";
import { button, card, choice } from "./fields.js";
import { dayOf, kwh, minuteOfDay, money, shortKwh, span } from "./format.js";
import { sureButton } from "./sure.js";
import { say } from "./text.js";
import { Week, goalText } from "./week.js";
import { create, setHidden, setText, sync } from "./write.js";

const LATER_MS = 250; // a preview is asked for when a hand rests so long
const SCHEDULED = 2;
const STRATEGIES = [
  ["windows", "planner.byWindows"],
  ["plan", "planner.byPlan"],
  ["level", "planner.byLevel"],
  ["threshold", "planner.byThreshold"],
  ["percentile", "planner.byPercentile"],
];

const timeText = (iso) => `${dayOf(new Date(iso))} ${minuteOfDay(new Date(iso))}`;

/** What can be drawn of a configuration. */
function draftOf({ schedule, vehicles }) {
  const entry = ({ days, ...rest }) => ({ days: [...days], ...rest });
  return {
    strategy: schedule.strategy,
    windows: schedule.windows.map(entry),
    cars: vehicles.map(({ id, name, battery_kwh, departures }) => ({ id, name: name || id, sized: battery_kwh !== null, departures: departures.map(entry) })),
  };
}

class Planner {
  #frame;
  #document = null;
  #tag = "";
  #draft = { strategy: "windows", windows: [], cars: [] };
  #saved = "";
  #past = [];
  #begun = "";
  #mistakes = new Map();
  #prices = [];
  #preview = null;
  #asked = 0;
  #later = 0;
  #busy = false;
  #closed = false;
  #week;
  #entries;
  #place;
  #note = create("p", "note", say("loading"));
  #cost = card("planner.cost");
  #sum = create("p", "medium");
  #lines = create("ul", "plan-lines");
  #legs = create("ul", "legs");
  #refusal = create("p", "refusal");
  #bar = create("div", "save-bar");
  #state = create("p");
  #buttons = {};
  #strategy;
  #once = create("ul", "lines");

  constructor(place, frame) {
    this.#frame = frame;
    this.#place = place;
    this.#ahead = frame.status ? Date.parse(frame.status.timestamp) - Date.now() : 0;
    const edit = {
      may: frame.has("admin"),
      begin: () => { this.#begun ||= JSON.stringify(this.#draft); },
      changed: (entry) => this.#changed(entry),
      end: () => this.#kept(),
      cancel: () => this.#cancelled(),
      remove: (entry) => this.#remove(entry),
      now: () => Date.now() + this.#ahead,
    };
    this.#edit = edit;
    this.#week = new Week(edit, (words, pressed) => button(words, pressed, "quiet way"));
    this.#entries = new Entries(edit);
    this.#note.setAttribute("role", "status");
    place.append(this.#note);
    document.addEventListener("visibilitychange", this.#seen);
    this.#load(true);
  }

  #edit;
  #ahead = 0; // of the daemon's clock, in ms

  #seen = () => { if (!document.hidden && this.#document) this.#ask(); };

  close() {
    this.#closed = true;
    left = this.#dirty() ? { draft: this.#draft, past: this.#past, saved: this.#saved } : null;
    this.#asked += 1;
    clearTimeout(this.#later);
    this.#week.close();
    document.removeEventListener("visibilitychange", this.#seen);
  }

  /** Take over what is configured; what was drawn is kept unless `anew`. */
  async #load(anew) {
    let found;
    let prices;
    try {
      [found, prices] = await Promise.all([getChanged("api/config"), get("api/prices").catch(() => null), styled()]);
    } catch (error) {
      if (this.#closed) return false;
      setText(this.#note, this.#frame.failed(error));
      return false;
    }
    if (this.#closed) return false;
    const first = !this.#document;
    this.#document = found.value;
    this.#tag = found.tag;
    this.#prices = prices?.slots ?? [];
    const there = draftOf(found.value);
    this.#saved = JSON.stringify(there);
    if (anew) {
      this.#draft = there;
      this.#mistakes.clear();
    }
    if (first && left?.saved === this.#saved) {
      this.#draft = left.draft;
      this.#past = left.past;
    }
    if (first) this.#build();
    this.#draw();
    this.#ask();
    return true;
  }

  #build() {
    const may = this.#edit.may;
    const { vehicles } = this.#document;
    const body = create("div", "stackcards");
    this.#sum.append(create("span"), create("small"));
    const sums = create("div");
    sums.setAttribute("role", "status");
    sums.append(this.#sum, this.#lines);
    this.#cost.append(sums, this.#legs);

    const week = card("planner.week", "week-card");
    const adding = create("p", "buttons add-buttons");
    if (may) {
      adding.append(button(say("planner.addWindow"), () => this.#addWindow()));
      for (const car of vehicles) adding.append(button(vehicles.length > 1 ? say("planner.addDepartureOf", { car: car.name || car.id }) : say("planner.addDeparture"), () => this.#addDeparture(car.id)));
    }
    const key = create("ul", "week-key");
    for (const [kind, words] of [["window", "planner.keyWindow"], ["charge", "planner.keyCharge"], ["price", "planner.keyPrice"], ["goes", "planner.keyLeave"]]) {
      const item = create("li", kind);
      item.append(create("i"), create("span", "", say(words)));
      key.append(item);
    }
    week.append(this.#week.element, key, adding, create("p", "note", say(may ? "planner.weekHint" : "planner.weekRead")));

    this.#refusal.setAttribute("role", "alert");
    this.#state.setAttribute("role", "status");
    this.#buttons = {
      save: button(say("planner.save"), () => this.#save(), "start off"),
      theirs: button(say("planner.takeTheirs"), () => this.#takeTheirs()),
      mine: button(say("planner.saveMine"), () => this.#saveMine()),
      undo: button(say("planner.undo"), () => this.#undo()),
      discard: button(say("planner.discard"), () => this.#discard()),
    };
    const row = create("div", "buttons");
    row.append(...Object.values(this.#buttons));
    this.#bar.append(this.#state, row, this.#refusal);

    const windows = card("planner.windows");
    const rule = create("label", "tool strategy");
    this.#strategy = choice(STRATEGIES.map(([name, key]) => [name, say(key)]));
    this.#strategy.disabled = !may;
    this.#strategy.addEventListener("change", () => {
      this.#edit.begin();
      this.#draft.strategy = this.#strategy.value;
      this.#edit.changed();
      this.#edit.end();
    });
    rule.append(create("span", "", say("planner.besides")), this.#strategy);
    windows.append(rule, create("p", "note none", say("planner.noWindows")), this.#entries.windows);
    const departures = card("planner.departures");
    departures.append(create("p", "note none", say(vehicles.length ? "planner.noDepartures" : "planner.noCars")), this.#entries.departures, this.#once);
    const lists = create("div", "stackcards two");
    lists.append(windows, departures);
    body.append(this.#cost, week, lists, this.#bar);
    this.#place.replaceChildren(body);
  }

  // Changes

  #changed(entry) {
    this.#mistakes.delete(entry);
    this.#draw();
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#ask(), LATER_MS);
  }

  #kept() {
    if (this.#begun && this.#begun !== JSON.stringify(this.#draft)) this.#past.push(this.#begun);
    this.#begun = "";
    setText(this.#refusal, "");
    this.#tell();
  }

  #cancelled() {
    if (this.#begun) this.#draft = JSON.parse(this.#begun);
    this.#begun = "";
    this.#changed();
  }

  #with(make) {
    this.#edit.begin();
    const entry = make();
    this.#edit.changed(entry);
    this.#edit.end();
    return entry;
  }

  #addWindow() {
    const entry = this.#with(() => {
      const made = { start: "22:00", end: "06:00", days: [], current_a: null, active: true };
      this.#draft.windows.push(made);
      return made;
    });
    this.#week.choose(entry);
    this.#entries.focus(entry);
  }

  #addDeparture(id) {
    const entry = this.#with(() => {
      const car = this.#draft.cars.find((one) => one.id === id);
      const made = { time: "07:00", days: ["mon", "tue", "wed", "thu", "fri"], soc_pct: car.sized ? 80 : null, energy_kwh: car.sized ? null : 10, active: true };
      car.departures.push(made);
      return made;
    });
    this.#week.choose(entry);
    this.#entries.focus(entry);
  }

  #remove(entry) {
    this.#with(() => {
      this.#draft.windows = this.#draft.windows.filter((one) => one !== entry);
      for (const car of this.#draft.cars) car.departures = car.departures.filter((one) => one !== entry);
    });
    this.#buttons.undo.focus();
  }

  #undo() {
    const before = this.#past.pop();
    if (!before) return;
    this.#draft = JSON.parse(before);
    this.#mistakes.clear();
    setText(this.#refusal, "");
    this.#changed();
    if (this.#buttons.undo.hidden) document.getElementById("view-title").focus();
  }

  #discard() {
    this.#past = [];
    this.#draft = JSON.parse(this.#saved);
    this.#mistakes.clear();
    setText(this.#refusal, "");
    this.#changed();
    document.getElementById("view-title").focus();
  }

  // Saving

  #patch() {
    const before = JSON.parse(this.#saved);
    const { strategy, windows, cars } = this.#draft;
    const patch = {};
    if (JSON.stringify(windows) !== JSON.stringify(before.windows)) patch.schedule = { windows };
    if (strategy !== before.strategy) patch.schedule = { ...patch.schedule, strategy };
    if (JSON.stringify(cars) !== JSON.stringify(before.cars)) {
      const drawn = new Map(cars.map((car) => [car.id, car.departures]));
      patch.vehicles = this.#document.vehicles.map((car) => ({ ...car, departures: drawn.get(car.id) ?? car.departures }));
    }
    return patch;
  }

  async #save() {
    if (this.#busy) return;
    this.#busy = true;
    this.#bar.classList.add("pending");
    setText(this.#refusal, "");
    this.#mistakes.clear();
    try {
      await send("PATCH", "api/config", this.#patch(), undefined, { "If-Match": this.#tag });
      this.#conflict(false);
      await this.#load(true);
      if (!this.#closed) setText(this.#state, say("planner.savedNow"));
    } catch (error) {
      this.#refused(error);
    }
    this.#bar.classList.remove("pending");
    this.#busy = false;
  }

  #refused(error) {
    const conflict = error instanceof Refused && error.status === 412;
    this.#conflict(conflict);
    if (conflict) return;
    const detail = error instanceof Refused ? error.message.replace(/\.$/, "") : null;
    const [, list, index, , inner] = /^(schedule\.windows|vehicles)\[(\d+)\](\.departures\[(\d+)\])?/.exec(error.field ?? "") ?? [];
    const entry = list === "vehicles" ? this.#draft.cars[index]?.departures[inner] : this.#draft.windows[index];
    if (entry) this.#mistakes.set(entry, detail);
    setText(this.#refusal, detail === null ? say("noAnswer") : say("refused", { detail }));
    this.#draw();
  }

  #conflict(there) {
    this.#bar.classList.toggle("conflict", there);
    if (there) setText(this.#refusal, say("planner.changedElsewhere"));
    this.#tell();
  }

  async #takeTheirs() {
    this.#past = [];
    setText(this.#refusal, "");
    this.#conflict(false);
    await this.#load(true);
  }

  async #saveMine() {
    this.#conflict(false);
    if (await this.#load(false)) await this.#save();
  }

  // What it costs

  async #ask() {
    clearTimeout(this.#later);
    const mine = ++this.#asked;
    const { strategy, windows, cars } = this.#draft;
    const departures = Object.fromEntries(cars.map((car) => [car.id, car.departures]));
    let found;
    try {
      found = await post("api/plan/preview", { strategy, windows, departures });
    } catch (error) {
      if (mine !== this.#asked) return;
      this.#preview = null;
      setText(this.#sum.firstElementChild, say("unknown"));
      setText(this.#sum.lastElementChild, "");
      sync(this.#lines, [this.#frame.failed(error)], () => create("li"), (item, words) => setText(item, words));
      sync(this.#legs, [], () => create("li"), () => {});
      this.#drawWeek();
      return;
    }
    if (mine !== this.#asked) return;
    this.#preview = found;
    this.#told(found);
    this.#drawWeek();
  }

  #told(found) {
    const { currency, cost, cars } = found;
    const legs = cars.flatMap((car) => car.legs.map((leg) => ({ car, leg })));
    const nothing = !found.energy_kwh;
    setText(this.#sum.firstElementChild, nothing ? say("planner.nothingPlanned") : cost === null ? say("planner.costUnknown") : money(cost, currency));
    this.#sum.classList.toggle("wordy", nothing || cost === null);
    setText(this.#sum.lastElementChild, nothing ? "" : say("planner.forEnergy", { kwh: kwh(cost === null ? found.energy_kwh : found.energy_kwh - found.unpriced_kwh) }));
    const lines = [];
    if (found.saved !== null && !nothing) {
      const compared = { money: money(found.at_once_cost, currency), cost: money(found.at_once_cost - found.saved, currency) };
      if (found.saved >= 0.005) lines.push(say("planner.atOnceDearer", { ...compared, saved: money(found.saved, currency) }));
      else lines.push(found.saved <= -0.005 ? say("planner.atOnceCheaper", compared) : say("planner.atOnceSame", { money: compared.money }));
    }
    if (found.unpriced_kwh >= 0.05) lines.push(found.prices_until ? say("planner.pricesEnd", { kwh: kwh(found.unpriced_kwh), time: timeText(found.prices_until) }) : say("planner.pricesNone", { kwh: kwh(found.unpriced_kwh) }));
    if (cars.some((car) => !car.bounded && car.legs.length)) lines.push(say("planner.notBounded"));
    if (cars.some((car) => car.soc_pct === null && car.legs.some((leg) => leg.soc_pct !== null))) lines.push(say("planner.socNotKnown"));
    if (legs.some(({ leg }) => leg.assumed)) lines.push(say("planner.assumedBack"));
    const chargers = this.#frame.status?.chargers ?? [];
    if (chargers.length && !chargers.some((charger) => charger.mode === SCHEDULED)) lines.push(say("planner.notScheduled"));
    sync(this.#lines, lines, () => create("li"), (item, words) => setText(item, words));
    sync(this.#legs, legs.filter(({ leg }) => leg.departure), () => {
      const item = create("li");
      item.append(create("b"), create("span", "verdict"), create("span", "note"));
      return item;
    }, (item, { car, leg }) => this.#leg(item, car, leg, currency));
    const once = legs.filter(({ leg }) => leg.once);
    this.#once.replaceChildren(...once.map(({ car, leg }) => this.#goal(car, leg)));
  }

  #name(id) {
    return this.#draft.cars.find((car) => car.id === id)?.name ?? id;
  }

  #leg(item, car, leg, currency) {
    const [title, verdict, note] = item.children;
    const goal = goalText({ soc_pct: leg.soc_pct, energy_kwh: leg.energy_goal_kwh });
    setText(title, `${timeText(leg.departure)} · ${this.#name(car.vehicle)} · ${goal}`);
    const ready = leg.need_kwh === null ? say("planner.sizeUnknown") : leg.done === null ? say("planner.missesBy", { span: span(leg.late_min * 60), kwh: shortKwh(leg.missing_kwh) }) : leg.need_kwh < 0.05 ? say("planner.readyAlready") : say("planner.readyAt", { time: timeText(leg.done) });
    setText(verdict, ready);
    verdict.classList.toggle("bad", leg.done === null);
    const parts = [];
    if (leg.energy_kwh >= 0.05) {
      parts.push(kwh(leg.energy_kwh), leg.cost === null || leg.unpriced_kwh >= 0.05 ? say("planner.costNotYet") : money(leg.cost, currency));
      if (leg.at_once_cost !== null && leg.at_once_cost - leg.cost >= 0.005) parts.push(say("planner.atOnceShort", { money: money(leg.at_once_cost, currency) }));
    }
    setText(note, parts.join(" · "));
  }

  /** A goal of once, that can be taken back. */
  #goal(car, leg) {
    const item = create("li");
    const words = say("planner.onceGoal", { car: this.#name(car.vehicle), goal: goalText({ soc_pct: leg.soc_pct, energy_kwh: leg.energy_goal_kwh }), time: timeText(leg.departure) });
    item.append(create("span", "", words));
    if (!this.#frame.has("control")) return item;
    item.append(sureButton(say("goalClear"), say("planner.reallyClear"), words, async () => {
      try {
        await send("DELETE", `api/vehicles/${encodeURIComponent(car.vehicle)}/goal`);
        item.remove();
        await this.#ask();
      } catch (error) {
        setText(this.#refusal, this.#frame.failed(error));
        setHidden(this.#bar, false);
      }
    }));
    return item;
  }

  // Drawing

  #draw() {
    this.#entries.show(this.#draft, this.#mistakes);
    this.#strategy.value = this.#draft.strategy;
    for (const [list, empty] of [[this.#entries.windows, !this.#draft.windows.length], [this.#entries.departures, !this.#draft.cars.some((car) => car.departures.length)]]) {
      setHidden(list.parentElement.querySelector(".none"), !empty);
    }
    this.#drawWeek();
    this.#tell();
  }

  #drawWeek() {
    const legs = (this.#preview?.cars ?? []).flatMap((car) => car.legs);
    this.#week.show({ draft: this.#draft, prices: this.#prices, slots: legs.flatMap((leg) => leg.slots), goals: legs.filter((leg) => leg.once) });
  }

  #dirty() {
    return this.#document !== null && JSON.stringify(this.#draft) !== this.#saved;
  }

  #tell() {
    const dirty = this.#dirty();
    const conflict = this.#bar.classList.contains("conflict");
    setText(this.#state, dirty ? say("planner.notSaved") : this.#past.length ? say("planner.asSaved") : "");
    setHidden(this.#buttons.save, !dirty || conflict);
    setHidden(this.#buttons.discard, !dirty || conflict);
    setHidden(this.#buttons.theirs, !conflict);
    setHidden(this.#buttons.mine, !conflict);
    setHidden(this.#buttons.undo, !this.#past.length || conflict);
    setHidden(this.#bar, !dirty && !this.#past.length && !this.#refusal.textContent);
  }
}

let left = null; // what was drawn and not saved when the view was left; it is there again until the page is closed
let sheet = null;

/** The look of this view, once. */
function styled() {
  sheet ??= new Promise((resolve, reject) => {
    const link = Object.assign(create("link"), { rel: "stylesheet", href: new URL("planner.css", import.meta.url).href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => reject(new Error("no look")));
    document.head.append(link);
  });
  return sheet;
}

export function open(place, rest, frame) {
  return new Planner(place, frame);
}
