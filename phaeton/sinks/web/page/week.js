// The week as columns of its days: windows as blocks, departures as marks, and lightly behind them the prices and when it
// charges. Both are moved and stretched by mouse, finger and keyboard.

import { dayMonthOf, minuteOfDay, percent, shortKwh } from "./format.js";
import { locale, say } from "./text.js";
import { create, setAttribute, setText } from "./write.js";
import { instantOf, wall } from "./zone.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const STEP_MIN = 15;
const DAY_MIN = 1440;
const DAY_MS = 86400e3;
const QUARTER_MS = 900e3;
const PRESS_MS = 450; // a finger that rests so long begins a window; one that moves before scrolls
const SWIPE_PX = 60;
const SVG = "http://www.w3.org/2000/svg";
const PHONE = matchMedia("(max-width: 719px)");

const named = (style) => DAYS.map((_, index) => new Intl.DateTimeFormat(locale, { weekday: style, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + index))));
export const SHORT_DAYS = named("short");
export const LONG_DAYS = named("long");

export const minutesOf = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
export const clockOf = (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
const wrapped = (minutes) => ((minutes % DAY_MIN) + DAY_MIN) % DAY_MIN;
const snapped = (minutes) => Math.round(minutes / STEP_MIN) * STEP_MIN;

/** Whether an entry holds on a day; none named is every day. */
export const holds = (entry, day) => !entry.days.length || entry.days.includes(DAYS[day]);

/** The days of an entry in words. */
export function daysText(entry) {
  if (!entry.days.length || entry.days.length === 7) return say("planner.everyDay");
  return DAYS.flatMap((day, index) => (entry.days.includes(day) ? [SHORT_DAYS[index]] : [])).join(", ");
}

/** Begin and length of a window in minutes. */
function span(window) {
  const start = minutesOf(window.start);
  return [start, wrapped(minutesOf(window.end) - start) || (window.end === "24:00" || window.start !== window.end ? DAY_MIN : 0)];
}

/** Give a window another begin, which may be on another day, and length. */
function put(window, start, length) {
  shiftDays(window, Math.floor(start / DAY_MIN));
  const begin = wrapped(start);
  const most = begin ? DAY_MIN - STEP_MIN : DAY_MIN;
  const end = wrapped(begin + Math.min(Math.max(length, STEP_MIN), most));
  window.start = clockOf(begin);
  window.end = end ? clockOf(end) : "24:00";
}

export function shiftDays(entry, by) {
  if (!by || !entry.days.length) return;
  const moved = entry.days.map((day) => DAYS[(DAYS.indexOf(day) + by + 14) % 7]);
  entry.days = DAYS.filter((day) => moved.includes(day));
}

/** What arrows and dragging do: an entry as it was, later by so many minutes, longer by so many, some days on. */
export function changed(entry, was, { later = 0, longer = 0, days = 0 }) {
  entry.days = [...was.days];
  if ("time" in was) {
    const time = minutesOf(was.time) + later;
    shiftDays(entry, Math.floor(time / DAY_MIN) + days);
    entry.time = clockOf(wrapped(time));
    return;
  }
  const [start, length] = span(was);
  put(entry, start + later + days * DAY_MIN, length + longer);
}

export const goalText = (entry) => (entry.soc_pct === null ? shortKwh(entry.energy_kwh) : percent(entry.soc_pct));

/** The days of a week from its Monday on the site's clock: each quarter of an hour with its place on the wall. */
function daysOf(offset, now) {
  const today = wall(new Date(now)).day;
  const ahead = (new Date(`${today}T00:00Z`).getUTCDay() + 6) % 7;
  const monday = Date.parse(`${today}T00:00Z`) + (7 * offset - ahead) * DAY_MS;
  return DAYS.map((_, index) => {
    const date = new Date(monday + index * DAY_MS).toISOString().slice(0, 10);
    const start = instantOf(`${date}T00:00`).getTime();
    const end = instantOf(`${new Date(monday + (index + 1) * DAY_MS).toISOString().slice(0, 10)}T00:00`).getTime();
    const quarters = [];
    const times = new Map();
    for (let at = start; at < end; at += QUARTER_MS) {
      const minute = minutesOf(wall(new Date(at)).time);
      const lane = times.get(minute) ?? 0;
      times.set(minute, lane + 1);
      quarters.push({ at, minute, lane });
    }
    for (const quarter of quarters) quarter.lanes = times.get(quarter.minute);
    return { date, start, end, quarters, today: date === today, index };
  });
}

function shape(kind, x, y, width, height) {
  const made = document.createElementNS(SVG, "rect");
  for (const [key, value] of Object.entries({ class: kind, x, y, width, height })) made.setAttribute(key, String(Math.round(value * 100) / 100 || value));
  return made;
}

/** The parts of a stretch of time on a day, as [lane, lanes, from, until] in minutes of the wall clock. */
function partsOf(day, start, end) {
  const parts = [];
  for (const quarter of day.quarters) {
    const from = Math.max(start, quarter.at);
    const until = Math.min(end, quarter.at + QUARTER_MS);
    if (from >= until) continue;
    const begin = quarter.minute + (from - quarter.at) / 60e3;
    const last = parts.at(-1);
    if (last && last[0] === quarter.lane && last[1] === quarter.lanes && Math.abs(last[3] - begin) < 0.01) last[3] = quarter.minute + (until - quarter.at) / 60e3;
    else parts.push([quarter.lane, quarter.lanes, begin, quarter.minute + (until - quarter.at) / 60e3]);
  }
  return parts;
}

export class Week {
  element = create("div", "week");
  #edit;
  #offset = 0;
  #day = 0; // the one that a phone shows
  #days = [];
  #columns;
  #head = create("div", "week-head");
  #grid = create("div", "week-grid");
  #title = create("p", "week-title");
  #back;
  #forth;
  #said = create("p", "unseen");
  #draft = { windows: [], cars: [] };
  #prices = [];
  #slots = [];
  #goals = [];
  #chosen = null;
  #drag = null;
  #press = 0;
  #finger = null;

  /** `edit` is told of changes: `begin()`, `changed(entry)`, `end()` or `cancel()`; `remove(entry)`; `may` it, and what time `now()` is. */
  constructor(edit, button) {
    this.#edit = edit;
    this.#back = button("‹", () => this.#go(-1));
    this.#forth = button("›", () => this.#go(1));
    this.#said.setAttribute("role", "status");
    this.#grid.setAttribute("role", "group");
    setAttribute(this.#grid, "aria-label", say("planner.week"));
    const hours = create("div", "hours");
    hours.setAttribute("aria-hidden", "true");
    for (let hour = 3; hour < 24; hour += 3) {
      const label = create("span", "", clockOf(hour * 60));
      label.style.top = `${(hour / 24) * 100}%`;
      hours.append(label);
    }
    this.#columns = DAYS.map((_, index) => {
      const column = create("div", "day");
      column.dataset.day = index;
      column.setAttribute("role", "group");
      column.append(create("p", "day-name"), create("div", "day-body"));
      return column;
    });
    this.#grid.append(hours, ...this.#columns);
    const ways = create("div", "week-ways");
    ways.append(this.#back, this.#title, this.#forth);
    this.#head.append(ways);
    this.element.append(this.#head, this.#grid, this.#said);
    this.#listen();
    this.#day = (new Date(`${wall(new Date(edit.now())).day}T00:00Z`).getUTCDay() + 6) % 7;
    PHONE.addEventListener("change", () => this.draw());
  }

  /** What is proposed, and what is known of the time ahead. */
  show({ draft, prices, slots, goals }) {
    this.#draft = draft;
    this.#prices = prices;
    this.#slots = slots;
    this.#goals = goals;
    this.draw();
  }

  /** Show where an entry stands. */
  choose(entry) {
    this.#chosen = entry;
    if (entry && !holds(entry, this.#day)) this.#day = DAYS.indexOf(entry.days[0]);
    this.draw();
  }

  close() {
    clearTimeout(this.#press);
  }

  #go(by) {
    if (PHONE.matches) {
      const next = this.#offset * 7 + this.#day + by;
      if (next < 0 || next > 13) return;
      this.#offset = Math.floor(next / 7);
      this.#day = next % 7;
    } else {
      this.#offset = Math.min(Math.max(this.#offset + by, 0), 1);
    }
    this.draw();
  }

  draw() {
    const focused = document.activeElement?.entry;
    const focusedDay = document.activeElement?.closest?.(".day")?.dataset.day;
    this.#days = daysOf(this.#offset, this.#edit.now());
    const shown = this.#days[this.#day];
    const place = this.#offset * 7 + this.#day;
    setAttribute(this.#back, "aria-label", say(PHONE.matches ? "planner.dayBefore" : "planner.weekBefore"));
    setAttribute(this.#forth, "aria-label", say(PHONE.matches ? "planner.dayAfter" : "planner.weekAfter"));
    this.#back.disabled = PHONE.matches ? place === 0 : this.#offset === 0;
    this.#forth.disabled = PHONE.matches ? place === 13 : this.#offset === 1;
    const noon = (day) => new Date(day.start + DAY_MS / 2);
    setText(this.#title, PHONE.matches ? `${LONG_DAYS[this.#day]}, ${dayMonthOf(noon(shown))}` : `${dayMonthOf(noon(this.#days[0]))} – ${dayMonthOf(noon(this.#days[6]))}`);
    const known = this.#prices.map((slot) => slot.import_per_kwh);
    const scale = [Math.min(...known, 0), Math.max(...known, 0.01)];
    this.#days.forEach((day, index) => {
      const column = this.#columns[index];
      column.classList.toggle("shown", index === this.#day);
      column.classList.toggle("today", day.today);
      setAttribute(column, "aria-label", `${LONG_DAYS[index]} ${dayMonthOf(noon(day))}`);
      setText(column.firstElementChild, `${SHORT_DAYS[index]} ${dayMonthOf(noon(day))}`);
      const body = column.lastElementChild;
      body.replaceChildren(this.#behind(day, scale), ...this.#blocks(day), ...this.#marks(day));
    });
    if (focused && !document.activeElement?.entry) this.#focus(focused, focusedDay);
  }

  #focus(entry, day) {
    const all = [...this.#grid.querySelectorAll("button")].filter((made) => made.entry === entry && made.offsetParent);
    (all.find((made) => made.closest(".day").dataset.day === day) ?? all[0])?.focus({ preventScroll: true });
  }

  /** Prices, what is charged, an hour that a clock change leaves out, and now. */
  #behind(day, [least, most]) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 100 ${DAY_MIN}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const slot of this.#prices) {
      const share = 6 + (54 * (slot.import_per_kwh - least)) / (most - least);
      for (const [lane, lanes, from, until] of partsOf(day, Date.parse(slot.start), Date.parse(slot.end))) {
        const width = share / lanes;
        svg.append(shape("rate", 100 - (100 * lane) / lanes - width, from, width, until - from));
      }
    }
    for (const slot of this.#slots) {
      for (const [lane, lanes, from, until] of partsOf(day, Date.parse(slot.start), Date.parse(slot.end))) {
        svg.append(shape(`slot ${slot.why}`, (100 * lane) / lanes, from, 9 / lanes, until - from));
      }
    }
    const there = new Set(day.quarters.map((quarter) => quarter.minute));
    for (let minute = 0; minute < DAY_MIN; minute += STEP_MIN) {
      if (!there.has(minute)) svg.append(shape("hole", 0, minute, 100, STEP_MIN));
      else if (day.quarters.some((quarter) => quarter.minute === minute && quarter.lanes > 1)) svg.append(shape("twice", 0, minute, 100, STEP_MIN));
    }
    const now = this.#edit.now();
    if (now >= day.start && now < day.end) svg.append(shape("now", 0, minutesOf(wall(new Date(now)).time), 100, 3));
    return svg;
  }

  #blocks(day) {
    return this.#draft.windows.flatMap((window) => {
      const [start, length] = span(window);
      const found = [];
      if (holds(window, day.index)) found.push(this.#block(window, day.index, start, Math.min(start + length, DAY_MIN), false));
      if (start + length > DAY_MIN && holds(window, (day.index + 6) % 7)) found.push(this.#block(window, (day.index + 6) % 7, 0, start + length - DAY_MIN, true));
      return found;
    });
  }

  #block(window, day, from, until, tail) {
    const made = this.#handle("block", window, day);
    made.classList.toggle("off", !window.active);
    made.style.top = `${(from / DAY_MIN) * 100}%`;
    made.style.height = `${((until - from) / DAY_MIN) * 100}%`;
    const [start, length] = span(window);
    made.append(create("span", "block-words", tail ? "" : `${window.start}–${window.end}`));
    if (!tail) made.append(create("i", "edge upper"));
    if (tail || start + length <= DAY_MIN) made.append(create("i", "edge lower"));
    if (tail || !this.#first(window, day)) made.tabIndex = -1;
    setAttribute(made, "aria-label", say("planner.windowAt", { from: window.start, until: window.end, days: daysText(window) }));
    return made;
  }

  /** The first day shown that it holds on: there the keyboard finds it. */
  #first(entry, day) {
    return PHONE.matches ? day === this.#day : DAYS.findIndex((_, index) => holds(entry, index)) === day;
  }

  #handle(kind, entry, day) {
    const made = create("button", kind);
    made.type = "button";
    made.entry = entry;
    made.dataset.from = day;
    setAttribute(made, "aria-pressed", String(this.#chosen === entry));
    return made;
  }

  #marks(day) {
    const marks = this.#draft.cars.flatMap((car) => car.departures.filter((entry) => holds(entry, day.index)).map((entry) => {
      const made = this.#handle("leave", entry, day.index);
      made.classList.toggle("off", !entry.active);
      made.style.top = `${(minutesOf(entry.time) / DAY_MIN) * 100}%`;
      made.append(create("span", "", `${entry.time} · ${goalText(entry)}`));
      if (!this.#first(entry, day.index)) made.tabIndex = -1;
      setAttribute(made, "aria-label", say("planner.departureAt", { car: car.name, time: entry.time, days: daysText(entry), goal: goalText(entry) }));
      return made;
    }));
    for (const goal of this.#goals) {
      const at = Date.parse(goal.departure);
      if (at < day.start || at >= day.end) continue;
      const time = minuteOfDay(new Date(at));
      const made = create("p", "leave once");
      made.style.top = `${(minutesOf(wall(new Date(at)).time) / DAY_MIN) * 100}%`;
      made.append(create("span", "", `${time} · ${goalText({ soc_pct: goal.soc_pct, energy_kwh: goal.energy_goal_kwh })}`));
      marks.push(made);
    }
    return marks;
  }

  // Moving

  #listen() {
    this.#grid.addEventListener("pointerdown", (event) => this.#down(event));
    this.#grid.addEventListener("pointermove", (event) => this.#moved(event));
    this.#grid.addEventListener("pointerup", (event) => this.#up(event));
    this.#grid.addEventListener("pointercancel", () => this.#lost());
    this.#grid.addEventListener("touchmove", (event) => {
      if (this.#drag) event.preventDefault();
    }, { passive: false });
    this.#grid.addEventListener("contextmenu", (event) => {
      if (this.#drag || this.#finger) event.preventDefault();
    });
    this.#grid.addEventListener("keydown", (event) => this.#key(event));
    this.#grid.addEventListener("focusin", (event) => {
      const { entry } = event.target;
      if (!entry || this.#chosen === entry) return;
      this.#chosen = entry;
      for (const made of this.#grid.querySelectorAll("button")) setAttribute(made, "aria-pressed", String(made.entry === entry));
    });
  }

  /** Day and minute of the wall under a pointer. */
  #place(event) {
    const shown = this.#columns.filter((column) => column.offsetParent);
    const column = shown.find((one) => event.clientX < one.getBoundingClientRect().right) ?? shown.at(-1);
    const box = column.lastElementChild.getBoundingClientRect();
    return { day: Number(column.dataset.day), minute: ((event.clientY - box.top) / box.height) * DAY_MIN };
  }

  #down(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const touch = event.pointerType === "touch";
    const held = event.target.closest("button");
    this.#finger = touch ? { x: event.clientX, y: event.clientY } : null;
    if (held?.entry) {
      const ready = this.#chosen === held.entry;
      held.focus({ preventScroll: true });
      if (this.#edit.may && (!touch || ready)) {
        const edge = event.target.closest(".edge");
        this.#begin(event, held.entry, Number(held.dataset.from), edge ? (edge.classList.contains("upper") ? "upper" : "lower") : "move");
      }
      return;
    }
    if (!this.#edit.may || !event.target.closest(".day-body")) return;
    const { day, minute } = this.#place(event);
    if (!touch) {
      event.preventDefault();
      this.#begin(event, null, day, "lower");
      return;
    }
    clearTimeout(this.#press);
    this.#press = setTimeout(() => {
      const start = Math.min(Math.floor(minute / STEP_MIN) * STEP_MIN, DAY_MIN - 60);
      this.#begin(event, null, day, "lower");
      this.#create(day, start, 60);
    }, PRESS_MS);
  }

  #begin(event, entry, day, how) {
    const { minute, day: under } = this.#place(event);
    this.#drag = { entry, how, day, at: this.#absolute(under, minute, day), was: entry && structuredClone(entry), begun: false };
    try {
      this.#grid.setPointerCapture(event.pointerId);
    } catch {
      this.#drag = null; // the pointer has gone
    }
  }

  /** Minutes since the beginning of a day, wherever the pointer is. */
  #absolute(under, minute, day) {
    return minute + DAY_MIN * (((under - day + 10) % 7) - 3);
  }

  #create(day, start, length) {
    const window = { start: "00:00", end: "24:00", days: [DAYS[day]], current_a: null, active: true };
    put(window, start, length);
    this.#edit.begin();
    this.#draft.windows.push(window);
    Object.assign(this.#drag, { entry: window, was: structuredClone(window), begun: true });
    this.#chosen = window;
    this.#edit.changed(window);
  }

  #moved(event) {
    if (this.#finger && !this.#drag) {
      if (Math.hypot(event.clientX - this.#finger.x, event.clientY - this.#finger.y) > 10) clearTimeout(this.#press);
      return;
    }
    if (!this.#drag) return;
    const drag = this.#drag;
    const { day, minute } = this.#place(event);
    const at = this.#absolute(day, minute, drag.day);
    if (!drag.entry) {
      const from = Math.max(Math.floor(Math.min(drag.at, at) / STEP_MIN) * STEP_MIN, 0);
      const until = snapped(Math.max(drag.at, at));
      if (until - from >= STEP_MIN && Math.abs(at - drag.at) >= STEP_MIN / 2) this.#create(drag.day, from, until - from);
      if (drag.entry) drag.at = from + minuteLength(drag.entry);
      return;
    }
    const by = snapped(at - drag.at);
    if (!drag.begun) {
      if (!by) return;
      this.#edit.begin();
      drag.begun = true;
    }
    const ways = { move: { later: by }, lower: { longer: by }, upper: { later: by, longer: -by } };
    if ("time" in drag.was || drag.how === "move") changed(drag.entry, drag.was, ways.move);
    else if (drag.how === "upper") changed(drag.entry, drag.was, { later: Math.min(by, minuteLength(drag.was) - STEP_MIN), longer: -Math.min(by, minuteLength(drag.was) - STEP_MIN) });
    else changed(drag.entry, drag.was, ways.lower);
    this.#edit.changed(drag.entry);
  }

  #up(event) {
    clearTimeout(this.#press);
    const { x = 0, y = 0 } = this.#finger ?? {};
    const swiped = this.#finger && !this.#drag && PHONE.matches && Math.abs(event.clientX - x) > SWIPE_PX && Math.abs(event.clientX - x) > 2 * Math.abs(event.clientY - y);
    this.#finger = null;
    if (swiped) this.#go(event.clientX < x ? 1 : -1);
    const drag = this.#drag;
    this.#drag = null;
    if (!drag?.begun) return;
    this.#edit.end();
    this.#focus(drag.entry, String(drag.day));
    this.#tell(drag.entry);
  }

  /** The pointer was taken away: nothing was meant. */
  #lost() {
    clearTimeout(this.#press);
    this.#finger = null;
    const begun = this.#drag?.begun;
    this.#drag = null;
    if (begun) this.#edit.cancel();
  }

  #key(event) {
    const { entry } = event.target;
    if (event.key === "Escape" && this.#drag) return this.#lost();
    if (!entry || !this.#edit.may || this.#drag) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.#edit.remove(entry);
      return;
    }
    const by = { ArrowUp: -STEP_MIN, ArrowDown: STEP_MIN }[event.key];
    const days = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined && days === undefined) return;
    event.preventDefault();
    this.#edit.begin();
    const day = Number(event.target.dataset.from);
    changed(entry, structuredClone(entry), days !== undefined ? { days } : event.shiftKey && !("time" in entry) ? { longer: by } : { later: by });
    this.#edit.changed(entry);
    this.#edit.end();
    this.#focus(entry, String((day + (days ?? 0) + 7) % 7));
    this.#tell(entry);
  }

  #tell(entry) {
    setText(this.#said, "time" in entry ? say("planner.nowAt", { time: entry.time, days: daysText(entry) }) : say("planner.windowAt", { from: entry.start, until: entry.end, days: daysText(entry) }));
  }
}

const minuteLength = (window) => span(window)[1];
