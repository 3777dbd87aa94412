// The first card: what the charger does, how much, and why.

import { amps, power, unbroken, untilText } from "./format.js";
import { reasonText } from "./reason.js";
import { known, say, toldWords } from "./text.js";
import { create, find, setAttribute, setHidden, setText, sync } from "./write.js";

const card = document.querySelector(".now");
const CHARGING = new Set([2, 21]);
const WAITING = new Set([3, 4, 5, 6, 7, 20, 22, 23, 24]);

function kind(charger) {
  if (!charger.reachable || charger.status === null || (charger.status >= 8 && charger.status <= 14)) return "bad";
  if (CHARGING.has(charger.status)) return "charging";
  return WAITING.has(charger.status) ? "wait" : "idle";
}

function statusText(charger) {
  if (charger.status === null) return say(charger.reachable ? "status.fault" : "status.away");
  const key = `status.${charger.status}`;
  return known(key) ? say(key) : charger.status_name;
}

function facts(charger) {
  const parts = [];
  if (charger.boost.on) {
    parts.push(charger.boost.until ? say("boostOnUntil", { time: untilText(charger.boost.until) }) : say("boostOn"));
  }
  if (charger.reachable && charger.current_a > 0) parts.push(say("offered", { amps: amps(charger.current_a) }), say("phases", { n: charger.phases }));
  return parts.join(" · ");
}

export function showNow(charger) {
  setAttribute(card, "data-kind", kind(charger));
  setText(find("state"), statusText(charger));
  const [amount, unit] = power(charger.power_w);
  setText(find("power"), amount);
  setText(find("power-unit"), unit);
  setText(find("facts"), facts(charger));
  const why = charger.reasons.map((reason) => unbroken(reasonText(reason)));
  if (!charger.reachable && charger.unreachable_why) {
    const told = toldWords(charger.unreachable_why);
    why.splice(1, 0, told[0].toUpperCase() + told.slice(1));
  }
  sync(find("reasons"), why, () => create("li"), setText);
  setText(find("warning"), toldWords(charger.warning));
  setHidden(find("warning"), !charger.warning);
  setHidden(find("accept"), !charger.stranger);
}
