// The stay of the car: energy, where it came from, time and cost.

import { kwh, money, powerText, span, twoDigits, wholeNumber } from "./format.js";
import { say } from "./text.js";
import { create, find, setHidden, setText, sync } from "./write.js";

const SOURCES = ["pv", "battery", "grid"];

function makeSource() {
  const item = create("li");
  item.append(create("i"), create("span"), create("b"));
  return item;
}

export function showStay(session, now) {
  setHidden(find("stay-none"), Boolean(session));
  setHidden(find("stay-some"), !session);
  setText(find("stay-title"), session?.end_time ? say("lastSession") : say("session"));
  if (!session) return;
  setText(find("stay-energy"), twoDigits(session.energy_delivered_kwh));
  const parts = SOURCES.map((name) => [name, session[`${name}_kwh`]]);
  const total = parts.reduce((sum, [, energy]) => sum + energy, 0);
  parts.forEach(([, energy], index) => {
    find("stay-bar").children[index].style.flexGrow = String(total > 0 ? energy / total : 0);
  });
  sync(find("stay-sources"), total > 0 ? parts : [], makeSource, (item, [name, energy]) => {
    item.className = name;
    setText(item.children[1], say(`source.${name}`));
    setText(item.children[2], `${twoDigits(energy)}\u00a0kWh · ${wholeNumber((100 * energy) / total)}\u00a0%`);
  });
  const end = session.end_time ? Date.parse(session.end_time) : now;
  setText(find("stay-cost"), money(session.cost, session.currency));
  setText(find("stay-plugged"), span((end - Date.parse(session.start_time)) / 1000));
  setText(find("stay-charging"), span(session.charging_s));
  setText(find("stay-peak"), powerText(session.peak_power_w));
  const notes = [];
  const saved = session.reference_cost - session.cost;
  if (saved >= 0.005) notes.push(say("saved", { money: money(saved, session.currency) }));
  if (session.unpriced_kwh >= 0.01) notes.push(say("unpriced", { kwh: kwh(session.unpriced_kwh) }));
  setText(find("stay-saved"), notes.join(" · "));
  setHidden(find("stay-saved"), !notes.length);
}
