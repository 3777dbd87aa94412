// The days that are known, a month at a time; the first and the last of those that are meant are chosen in it.

import { button } from "./fields.js";
import { dateOf, dayOf, kwh, monthOf } from "./format.js";
import { say } from "./text.js";
import { create, setAttribute, setText } from "./write.js";

const DAY_MS = 86400e3;
const WHOLE = 23; // hours of a day: the clock changes, and a start takes a minute
const GAPS = 4;

const dateOfDay = (day) => new Date(`${day}T12:00:00Z`);
export const shifted = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

function daysBetween(first, last) {
  const found = [];
  for (let day = first; day <= last; day = shifted(day, 1)) found.push(day);
  return found;
}

export class Calendar {
  element = create("div", "calendar");
  first;
  last;
  #known;
  #month;
  #grid = create("div", "month-grid");
  #title = create("b");
  #told = create("p", "note");
  #back;
  #on;
  #picking = false; // the first day is chosen, the last one not yet
  #changed;

  /** `known` are the days as the API tells them, the oldest first; `changed()` when others are chosen. */
  constructor(known, changed) {
    this.#known = new Map(known.map((one) => [one.day, one]));
    this.#changed = changed;
    this.#told.setAttribute("role", "status");
    this.#grid.setAttribute("role", "group");
    this.#back = button("‹", () => this.#turn(-1));
    this.#on = button("›", () => this.#turn(1));
    setAttribute(this.#back, "aria-label", say("monthBefore"));
    setAttribute(this.#on, "aria-label", say("monthAfter"));
    const head = create("div", "month-head");
    head.append(this.#back, this.#title, this.#on);
    const quick = create("p", "orders");
    for (const [key, days] of [["lastWeek", 7], ["lastMonth", 30], ["lastQuarter", 90]]) quick.append(button(say(key), () => this.#pick(days)));
    this.element.append(head, this.#grid, quick, this.#told);
    this.#pick(7);
  }

  /** The days that are meant, and what is known of them. */
  get chosen() {
    return daysBetween(this.first, this.last).map((day) => this.#known.get(day) ?? { day, hours: 0, recorded: false, stays: 0, energy_kwh: 0 });
  }

  get stays() {
    return this.chosen.reduce((sum, day) => sum + day.stays, 0);
  }

  #pick(days) {
    this.last = [...this.#known.keys()].at(-1);
    const oldest = this.#known.keys().next().value;
    this.first = shifted(this.last, 1 - days);
    if (this.first < oldest) this.first = oldest;
    this.#month = this.last.slice(0, 7);
    this.#picking = false;
    this.#show();
  }

  #turn(by) {
    const month = new Date(`${this.#month}-15T00:00:00Z`);
    month.setUTCMonth(month.getUTCMonth() + by);
    this.#month = month.toISOString().slice(0, 7);
    this.#show();
  }

  #choose(day) {
    if (this.#picking && day >= this.first) {
      this.last = day;
      this.#picking = false;
    } else {
      this.first = this.last = day;
      this.#picking = true;
    }
    this.#show();
    this.#grid.querySelector(`[data-day="${day}"]`)?.focus();
  }

  #show() {
    setText(this.#title, monthOf(this.#month));
    setAttribute(this.#grid, "aria-label", monthOf(this.#month));
    const days = [...this.#known.keys()];
    this.#back.disabled = this.#month <= days[0].slice(0, 7);
    this.#on.disabled = this.#month >= days.at(-1).slice(0, 7);
    const begin = new Date(`${this.#month}-01T00:00:00Z`);
    const end = new Date(begin);
    end.setUTCMonth(begin.getUTCMonth() + 1);
    const monday = 2; // 2000-01-03 and after
    const names = [...Array(7).keys()].map((n) => create("span", "week-day", dayOf(new Date(Date.UTC(2000, 0, monday + 1 + n, 12)))));
    for (const name of names) setAttribute(name, "aria-hidden", "true");
    const before = [...Array((begin.getUTCDay() + 6) % 7)].map(() => create("span"));
    const shown = daysBetween(`${this.#month}-01`, shifted(end.toISOString().slice(0, 10), -1));
    this.#grid.replaceChildren(...names, ...before, ...shown.map((day) => this.#day(day)));
    this.#tell();
    this.#changed();
  }

  #day(day) {
    const known = this.#known.get(day);
    const made = button(String(Number(day.slice(8))), () => this.#choose(day), "day");
    const within = day >= this.first && day <= this.last;
    made.dataset.day = day;
    made.disabled = !known;
    if (known) {
      made.classList.toggle("part", !known.recorded && known.hours < WHOLE);
      made.classList.toggle("charged", known.stays > 0);
      const about = [dateOf(dateOfDay(day)), ...(known.recorded ? [say("dayRecorded")] : [say("dayHours", { hours: known.hours })])];
      if (known.stays) about.push(kwh(known.energy_kwh));
      setAttribute(made, "aria-label", about.join(", "));
      made.title = about.join(", ");
    }
    setAttribute(made, "aria-pressed", String(within));
    return made;
  }

  #tell() {
    const { chosen } = this;
    const energy = chosen.reduce((sum, day) => sum + day.energy_kwh, 0);
    const gaps = chosen.filter((day) => !day.recorded && day.hours < WHOLE);
    const words = [
      say("daysChosen", { n: chosen.length, count: chosen.length, first: dateOf(dateOfDay(this.first)), last: dateOf(dateOfDay(this.last)) }),
      this.stays ? say("staysChosen", { n: this.stays, count: this.stays, energy: kwh(energy) }) : say("noStayChosen"),
    ];
    if (gaps.length) {
      const named = gaps.slice(0, GAPS).map((day) => say("gapDay", { day: dateOf(dateOfDay(day.day)), hours: day.hours }));
      if (gaps.length > GAPS) named.push(say("gapsMore", { count: gaps.length - GAPS }));
      words.push(say("gapsChosen", { gaps: named.join(", ") }));
    }
    if (this.#picking) words.push(say("pickLast"));
    setText(this.#told, words.join(" "));
  }
}
