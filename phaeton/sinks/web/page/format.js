// Numbers, times and money as people read them; what is not known is a dash.

import { locale, text } from "./text.js";

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const two = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const upToOne = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const shortClock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(locale, { weekday: "short" });
const dayClock = new Intl.DateTimeFormat(locale, { weekday: "short", hour: "2-digit", minute: "2-digit" });

/** [number, unit] of a power: W below 1 kW, then kW. */
export function power(w) {
  if (w === null || w === undefined) return [text.unknown, ""];
  return Math.abs(w) < 999.5 ? [whole.format(w), "W"] : [two.format(w / 1000), "kW"];
}

export const powerText = (w) => power(w).join("\u00a0").trim();
export const amps = (a) => (a === null || a === undefined ? text.unknown : upToOne.format(a));
export const oneDigit = (x) => (x === null || x === undefined ? text.unknown : one.format(x));
export const wholeNumber = (x) => (x === null || x === undefined ? text.unknown : whole.format(x));
export const kwh = (x) => (x === null || x === undefined ? text.unknown : `${two.format(x)}\u00a0kWh`);
export const twoDigits = (x) => (x === null || x === undefined ? text.unknown : two.format(x));
export const timeOfDay = (date) => clock.format(date);
export const untilText = (iso) => (Date.parse(iso) - Date.now() > 20 * 3600e3 ? dayClock : shortClock).format(new Date(iso));

export const dayOf = (date) => day.format(date);

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
  if (seconds === null || seconds === undefined) return text.unknown;
  const s = Math.max(Math.round(seconds), 0);
  if (s < 120) return `${s}\u00a0s`;
  const minutes = Math.round(s / 60);
  if (minutes < 90) return `${minutes}\u00a0min`;
  return `${Math.floor(minutes / 60)}\u00a0h\u00a0${minutes % 60}\u00a0min`;
}

export function money(amount, currency) {
  if (amount === null || amount === undefined) return text.unknown;
  if (/^[A-Z]{3}$/.test(currency)) {
    return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(amount);
  }
  return `${currency}${currency ? "\u00a0" : ""}${two.format(amount)}`;
}
