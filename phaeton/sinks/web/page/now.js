// The first card: what the charger does, how much, and why.

import { amps, power, unbroken, untilText } from "./format.js";
import { text } from "./text.js";
import { create, find, setAttribute, setHidden, setText, sync } from "./write.js";

const card = document.querySelector(".now");
const CHARGING = new Set([2, 21]);
const WAITING = new Set([3, 4, 5, 6, 7, 20, 22, 23, 24]);

function kind(charger) {
  if (!charger.reachable || charger.status === null || (charger.status >= 8 && charger.status <= 14)) return "bad";
  if (CHARGING.has(charger.status)) return "charging";
  return WAITING.has(charger.status) ? "wait" : "idle";
}

function facts(charger) {
  const parts = [];
  if (charger.boost.on) {
    parts.push(charger.boost.until ? text.boostUntil(untilText(charger.boost.until)).replace(".", "") : text.boostOn);
  }
  if (charger.reachable && charger.current_a > 0) parts.push(text.offered(amps(charger.current_a)), text.phases(charger.phases));
  return parts.join(" · ");
}

export function showNow(charger) {
  setAttribute(card, "data-kind", kind(charger));
  setText(find("state"), charger.status_name);
  const [amount, unit] = power(charger.power_w);
  setText(find("power"), amount);
  setText(find("power-unit"), unit);
  setText(find("facts"), facts(charger));
  const why = charger.reasons.map((reason) => unbroken(reason.text));
  if (!charger.reachable && charger.unreachable_why) {
    why.splice(1, 0, charger.unreachable_why[0].toUpperCase() + charger.unreachable_why.slice(1));
  }
  sync(find("reasons"), why, () => create("li"), setText);
  setText(find("warning"), charger.warning);
  setHidden(find("warning"), !charger.warning);
  setHidden(find("accept"), !charger.stranger);
}
