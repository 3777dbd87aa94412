// The months: energy by source as bars, and a table with cost and savings.

import { get } from "./api.js";
import { SOURCES, sourceList, stackedBars } from "./bars.js";
import { table } from "./fields.js";
import { kwh, money, monthOf, percent, wholeNumber } from "./format.js";
import { say } from "./text.js";
import { create, setHidden } from "./write.js";

const MOST = 24;
const NAMES = 6;

const added = (rows, name) => rows.reduce((sum, row) => sum + row[name], 0);

export class Months {
  card = create("section", "card");
  #asked = 0;

  constructor() {
    this.card.hidden = true;
  }

  /** Show the months of the stays that fit. */
  async load(query) {
    const mine = ++this.#asked;
    const asked = new URLSearchParams(query);
    asked.set("by", "month");
    const { totals } = await get(`api/sessions/summary?${asked}`);
    if (mine !== this.#asked) return;
    setHidden(this.card, !totals.length);
    if (totals.length) this.card.replaceChildren(create("h2", "", say("months")), ...this.#parts(totals.slice(-MOST)));
  }

  #parts(totals) {
    const energy = added(totals, "energy_kwh");
    const byMonth = grouped(totals);
    const rows = monthsBetween(totals[0].key, totals.at(-1).key).slice(-MOST).map((key) => {
      const parts = byMonth.get(key) ?? [];
      return {
        name: monthOf(key),
        title: `${monthOf(key)}: ${[kwh(added(parts, "energy_kwh")), ...parts.map((part) => money(part.cost, part.currency))].join(", ")}`,
        energy: added(parts, "energy_kwh"),
        cost: added(parts, "cost"),
        ...Object.fromEntries(SOURCES.map((source) => [source, added(parts, `${source}_kwh`)])),
      };
    });
    const most = rows.reduce((best, row) => (row.energy > best.energy ? row : best));
    const label = say("monthsLabel", { month: most.name, energy: kwh(most.energy) });
    const shares = SOURCES.map((source) => {
      const part = added(totals, `${source}_kwh`);
      return [source, say(`source.${source}`), `${kwh(part)} · ${percent(energy > 0 ? (100 * part) / energy : 0)}`];
    });
    return [stackedBars(rows, kwh(most.energy), label, NAMES), sourceList(shares), ...this.#cost(rows, totals), this.#table(totals)];
  }

  /** The cost as bars, where all of it is in one currency. */
  #cost(rows, totals) {
    const { currency } = totals[0];
    if (totals.some((row) => row.currency !== currency)) return [];
    const most = rows.reduce((best, row) => (row.cost > best.cost ? row : best));
    if (most.cost <= 0) return [];
    const label = say("costLabel", { month: most.name, money: money(most.cost, currency) });
    const figure = stackedBars(rows, money(most.cost, currency), label, NAMES, ["cost"]);
    figure.classList.add("low");
    return [create("h3", "", say("cost")), figure];
  }

  #table(totals) {
    const titles = ["month", "count", "energy", "sunShare", "cost", "savings"].map((key) => say(key));
    const rows = [...totals].reverse().map((row) => [
      monthOf(row.key),
      wholeNumber(row.sessions),
      kwh(row.energy_kwh),
      percent(row.energy_kwh > 0 ? (100 * row.pv_kwh) / row.energy_kwh : null),
      money(row.cost, row.currency),
      money(row.reference_cost - row.cost, row.currency),
    ]);
    return table(say("months"), titles, rows);
  }
}

/** Each month from one to another, those without a session too. */
function monthsBetween(first, last) {
  const found = [];
  const month = new Date(`${first}-01T00:00:00Z`);
  for (; month.toISOString().slice(0, 7) <= last; month.setUTCMonth(month.getUTCMonth() + 1)) found.push(month.toISOString().slice(0, 7));
  return found;
}

function grouped(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.key, [...(found.get(row.key) ?? []), row]);
  return found;
}
