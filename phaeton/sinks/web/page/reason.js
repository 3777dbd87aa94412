// The reasons of a decision in the language of who looks: by what they are, with their numbers.

import { amps, price, span, wholeNumber } from "./format.js";
import { put, reasonWords, say } from "./text.js";

const UNITS = {
  W: (x) => `${wholeNumber(x)}\u00a0W`,
  A: (x) => `${amps(x)}\u00a0A`,
  "%": (x) => `${amps(x)}\u00a0%`,
  kWh: (x) => `${amps(x)}\u00a0kWh`,
  s: span,
  count: wholeNumber,
  times: (x) => `${wholeNumber(x)}×`,
  phases: (x) => say("phases", { n: Math.round(x) }),
  price: (x) => `${price(x, "")} ${say("perKwh")}`,
};
const WITH_UNIT = /\{(value|limit):([^}]+)\}/g;

/** The reason as one sentence; in the daemon's own words where this language has none. */
export function reasonText(reason) {
  const words = reasonWords(reason.why);
  if (!words) return reason.text;
  const [plain, full = "", left = ""] = words;
  const complete = full && [...full.matchAll(WITH_UNIT)].every(([, name]) => reason[name] !== null);
  let sentence = complete ? full.replace(WITH_UNIT, (_, name, unit) => UNITS[unit](reason[name])) : plain;
  if (left && reason.left_s !== null) sentence += put(left, { left: span(reason.left_s) });
  if (reason.detail) sentence += sentence.includes(":") ? ` (${reason.detail})` : `: ${reason.detail}`;
  return sentence;
}
