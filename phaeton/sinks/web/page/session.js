// One session: its numbers, and its quarters of an hour.

import { SOURCES, sourceList, stackedBars } from "./bars.js";
import { card, pairs, table } from "./fields.js";
import { kwh, minuteOfDay, momentOf, money, percent, powerText, price, span, wholeNumber } from "./format.js";
import { say } from "./text.js";
import { create } from "./write.js";

const NAMES = 6;

function numbers(stay, names) {
  const made = create("section", "card");
  const total = stay.energy_delivered_kwh;
  const amount = create("p", "medium");
  amount.append(kwh(total));
  const shares = SOURCES.map((source) => {
    const part = stay[`${source}_kwh`];
    return [source, say(`source.${source}`), `${kwh(part)} · ${percent(total > 0 ? (100 * part) / total : 0)}`];
  });
  const stack = create("div", "stack");
  stack.setAttribute("aria-hidden", "true");
  for (const source of SOURCES) {
    const part = create("i", source);
    part.style.flexGrow = String(total > 0 ? stay[`${source}_kwh`] / total : 0);
    stack.append(part);
  }
  const end = stay.end_time ? new Date(stay.end_time) : null;
  const facts = [
    ["cost", money(stay.cost, stay.currency)],
    ["savings", money(stay.reference_cost - stay.cost, stay.currency)],
    ["begin", momentOf(new Date(stay.start_time))],
    ["end", end ? momentOf(end) : say("running")],
    ["duration", end ? span((end - Date.parse(stay.start_time)) / 1000) : ""],
    ["chargingTime", span(stay.charging_s)],
    ["car", stay.vehicle ? names.car(stay.vehicle) : ""],
    ["charger", names.charger(stay.charger)],
    ["peak", powerText(stay.peak_power_w)],
    ["averagePower", powerText(stay.average_power_w)],
    ["starts", wholeNumber(stay.starts)],
    ["meterStart", stay.start_energy_kwh === null ? "" : kwh(stay.start_energy_kwh)],
    ["meterEnd", stay.end_energy_kwh === null ? "" : kwh(stay.end_energy_kwh)],
    ["serial", stay.charger_serial],
  ].filter(([, value]) => value !== "");
  made.append(amount, stack, sourceList(shares), pairs(facts.map(([key, value]) => [say(key), value])));
  if (stay.unpriced_kwh >= 0.01) made.append(create("p", "note", say("unpriced", { kwh: kwh(stay.unpriced_kwh) })));
  return made;
}

function slotTable(stay) {
  const titles = [say("time"), say("energy"), ...SOURCES.map((source) => say(`source.${source}`)), say("price"), say("cost")];
  const rows = stay.slots.map((slot) => [
    minuteOfDay(new Date(slot.start)),
    kwh(slot.energy_kwh),
    ...SOURCES.map((source) => kwh(slot[`${source}_kwh`])),
    slot.price_per_kwh === null ? say("unknown") : price(slot.price_per_kwh, stay.currency),
    money(slot.cost, stay.currency),
  ]);
  return table(say("slots"), titles, rows);
}

/** The cards of a session. */
export function showSession(stay, names) {
  const quarters = card("slots");
  if (!stay.slots.length) {
    quarters.append(create("p", "note", say("noSlots")));
    return [numbers(stay, names), quarters];
  }
  const rows = stay.slots.map((slot) => {
    const name = minuteOfDay(new Date(slot.start));
    return { name, title: `${name}: ${kwh(slot.energy_kwh)}`, ...Object.fromEntries(SOURCES.map((source) => [source, slot[`${source}_kwh`]])) };
  });
  const most = Math.max(...stay.slots.map((slot) => slot.energy_kwh));
  quarters.append(stackedBars(rows, kwh(most), say("slotsLabel"), NAMES), slotTable(stay));
  return [numbers(stay, names), quarters];
}
