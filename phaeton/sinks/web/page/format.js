// Numbers, times and money as people read them; what is not known is a dash.

import { locale, say } from "./text.js";
import { onZone, siteZone } from "./zone.js";

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const two = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const upToThree = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
const upToOne = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const times = {};

function clocks() {
  const made = (options) => new Intl.DateTimeFormat(locale, { hourCycle: "h23", timeZone: siteZone(), ...options });
  const minutes = { hour: "2-digit", minute: "2-digit" };
  times.seconds = made({ ...minutes, second: "2-digit" });
  times.minutes = made(minutes);
  times.day = made({ weekday: "short" });
  times.dayMinutes = made({ weekday: "short", ...minutes });
  times.dayMonth = made({ day: "numeric", month: "short" });
  times.date = made({ day: "numeric", month: "short", year: "numeric" });
  times.moment = made({ weekday: "short", day: "numeric", month: "short", year: "numeric", ...minutes });
  times.month = new Intl.DateTimeFormat(locale, { month: "short", year: "2-digit", timeZone: "UTC" });
}

clocks();
onZone(clocks);

/** [number, unit] of a power: W below 1 kW, then kW. */
export function power(w) {
  if (w === null || w === undefined) return [say("unknown"), ""];
  return Math.abs(w) < 999.5 ? [whole.format(w), "W"] : [two.format(w / 1000), "kW"];
}

export const powerText = (w) => power(w).join("\u00a0").trim();
export const amps = (a) => (a === null || a === undefined ? say("unknown") : upToOne.format(a));
export const oneDigit = (x) => (x === null || x === undefined ? say("unknown") : one.format(x));
export const wholeNumber = (x) => (x === null || x === undefined ? say("unknown") : whole.format(x));
export const kwh = (x) => (x === null || x === undefined ? say("unknown") : `${two.format(x)}\u00a0kWh`);
export const shortKwh = (x) => (x === null || x === undefined ? say("unknown") : `${upToOne.format(x)}\u00a0kWh`);
export const twoDigits = (x) => (x === null || x === undefined ? say("unknown") : two.format(x));
export const timeOfDay = (date) => times.seconds.format(date);
export const minuteOfDay = (date) => times.minutes.format(date);
export const untilText = (iso) => (Date.parse(iso) - Date.now() > 20 * 3600e3 ? times.dayMinutes : times.minutes).format(new Date(iso));
export const dayOf = (date) => times.day.format(date);
export const dayMonthOf = (date) => times.dayMonth.format(date);
export const dateOf = (date) => times.date.format(date);
export const momentOf = (date) => times.moment.format(date);

/** A month such as 2026-06. */
export const monthOf = (key) => times.month.format(new Date(`${key}-15T00:00:00Z`));
export const percent = (x) => (x === null || x === undefined ? say("unknown") : `${whole.format(x)}\u00a0%`);

/** A number as it is, with three digits at most behind the point; words as they are. */
export const exact = (x) => (typeof x === "number" ? upToThree.format(x) : x);

/** So many bytes. */
export function bytes(n) {
  if (n === null || n === undefined) return say("unknown");
  if (n < 1000) return `${whole.format(n)}\u00a0B`;
  const power = Math.min(Math.floor(Math.log10(n) / 3), 3);
  return `${upToOne.format(n / 1000 ** power)}\u00a0${["", "kB", "MB", "GB"][power]}`;
}

/** What a kWh costs: two digits, three where they say something. */
export function price(amount, currency) {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 3 };
  if (/^[A-Z]{3}$/.test(currency)) {
    return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits }).format(amount);
  }
  return `${new Intl.NumberFormat(locale, digits).format(amount)}${currency ? "\u00a0" : ""}${currency}`;
}

/** Keep a number and its unit on one line. */
export const unbroken = (sentence) => sentence.replace(/(\d) (?=(W|A|s|min|h|kWh|%)\b|%)/g, "$1\u00a0");

/** A length of time: 45 s, 12 min, 3 h 20 min. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return say("unknown");
  const s = Math.max(Math.round(seconds), 0);
  if (s < 120) return `${s}\u00a0s`;
  const minutes = Math.round(s / 60);
  if (minutes < 90) return `${minutes}\u00a0min`;
  return `${Math.floor(minutes / 60)}\u00a0h\u00a0${minutes % 60}\u00a0min`;
}

export function money(amount, currency) {
  if (amount === null || amount === undefined) return say("unknown");
  if (/^[A-Z]{3}$/.test(currency)) {
    return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(amount);
  }
  return `${currency}${currency ? "\u00a0" : ""}${two.format(amount)}`;
}
