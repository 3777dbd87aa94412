// What came of a simulation: which run is best in words, all of them side by side, and their days as bars.

import { address } from "./api.js";
import { SOURCES, sourceList, stackedBars } from "./bars.js";
import { card, choice, table } from "./fields.js";
import { dateOf, kwh, money, percent, wholeNumber } from "./format.js";
import { known, locale, say } from "./text.js";
import { create } from "./write.js";

export const TODAY = "today";
const NAMES = 8;
const SAME = 0.005; // of the money: less is nothing

/** The name of a run as it is shown: strategies and today in the language, variants as they were called. */
export function nameOf(name) {
  if (name === TODAY) return say("runToday");
  return known(`run.${name}`) ? say(`run.${name}`) : name;
}

/** `[words, value(outcome), shown(value), better]`; better: 1 = more, -1 = less, 0 = neither. */
function metrics(currency) {
  const amount = (x) => money(x, currency);
  return [
    ["settledCost", (one) => one.settled_cost, amount, -1],
    ["houseCost", (one) => one.cost, amount, -1],
    ["evCost", (one) => one.ev_cost, amount, -1],
    ["intoCars", (one) => one.ev_kwh, kwh, 0],
    ["source.pv", (one) => one.pv_kwh, kwh, 1],
    ["source.battery", (one) => one.battery_kwh, kwh, 0],
    ["source.grid", (one) => one.grid_kwh, kwh, -1],
    ["selfConsumption", (one) => one.self_consumption_pct, percent, 1],
    ["goalsMissed", (one) => one.unmet_stays, wholeNumber, -1],
    ["energyMissed", (one) => one.unmet_kwh, kwh, -1],
    ["starts", (one) => one.starts, wholeNumber, -1],
    ["phaseSwitches", (one) => one.phase_switches, wholeNumber, -1],
    ["setpointWrites", (one) => one.setpoint_writes, wholeNumber, -1],
  ];
}

/** The best of all by what counts, and the words for it. */
function verdict(result) {
  const [today, ...others] = result.outcomes;
  const best = others.reduce((found, one) => (one.saving > found.saving ? one : found), today);
  const made = [];
  if (best === today || best.saving < SAME) {
    made.push(create("p", "medium", say("todayIsBest")));
  } else {
    const share = Math.abs(today.settled_cost) > SAME ? say("savesShare", { share: percent((100 * best.saving) / Math.abs(today.settled_cost)) }) : "";
    made.push(create("p", "medium", say("isBest", { name: nameOf(best.name), saving: money(best.saving, result.currency) })));
    if (share) made.push(create("p", "", share));
  }
  const missed = best.unmet_stays - today.unmet_stays;
  if (missed > 0) made.push(create("p", "warning", say("missesMore", { n: missed, count: missed })));
  const lines = others.filter((one) => one !== best).map((one) => {
    const amount = money(Math.abs(one.saving), result.currency);
    if (Math.abs(one.saving) < SAME) return say("sameAsToday", { name: nameOf(one.name) });
    return say(one.saving > 0 ? "isCheaper" : "isDearer", { name: nameOf(one.name), amount });
  });
  const list = create("ul", "lines");
  list.append(...lines.map((words) => create("li", "", words)));
  if (lines.length) made.push(list);
  made.push(create("p", "note", say("settledHint")));
  return made;
}

function sideBySide(result) {
  const [today] = result.outcomes;
  const titles = [say("figure"), ...result.outcomes.map((one) => nameOf(one.name))];
  const shown = metrics(result.currency).filter(([, value]) => result.outcomes.some((one) => value(one) !== null));
  const rows = shown.map(([words, value, text]) => [say(words), ...result.outcomes.map((one) => text(value(one)))]);
  const made = table(say("sideBySide"), titles, rows);
  made.querySelectorAll("tbody tr").forEach((row, index) => {
    const [, value, text, better] = shown[index];
    const values = result.outcomes.map(value);
    const best = better ? Math.max(...values.filter((x) => x !== null).map((x) => x * better)) : null;
    const differ = new Set(values.map((x) => text(x))).size > 1;
    row.querySelectorAll("td").forEach((cell, column) => {
      const mine = values[column];
      if (better && differ && mine !== null && text(mine) === text(best * better)) {
        cell.classList.add("best");
        cell.append(create("span", "unseen", ` (${say("bestOf")})`));
      }
      if (!column || mine === null || value(today) === null) return;
      const change = mine - value(today);
      if (text(Math.abs(change)) !== text(0)) cell.append(create("small", "change", `${change > 0 ? "+" : "−"}${text(Math.abs(change))}`));
    });
  });
  return made;
}

const dayName = (day) => dateOf(new Date(`${day}T12:00:00Z`));
const numbers = new Intl.DateTimeFormat(locale, { day: "numeric", month: "numeric", timeZone: "UTC" });
const shortDay = (day) => numbers.format(new Date(`${day}T12:00:00Z`));

/** The days of a run: where the energy came from, and what the charging cost. */
function days(one, result, name, scale) {
  const made = create("div", "days");
  const rows = one.days.map((day) => {
    const energy = day.pv_kwh + day.battery_kwh + day.grid_kwh;
    return {
      name: shortDay(day.day),
      title: [`${dayName(day.day)}: ${kwh(energy)}`, ...SOURCES.map((source) => `${say(`source.${source}`)} ${kwh(day[`${source}_kwh`])}`), money(day.ev_cost, result.currency)].join(", "),
      energy,
      cost: day.ev_cost,
      ...Object.fromEntries(SOURCES.map((source) => [source, day[`${source}_kwh`]])),
    };
  });
  const energyLabel = say("daysEnergyLabel", { name, energy: kwh(one.ev_kwh) });
  const costLabel = say("daysCostLabel", { name, money: money(one.ev_cost, result.currency) });
  const cost = stackedBars(rows, money(scale.cost, result.currency), costLabel, NAMES, ["cost"], scale.cost);
  cost.classList.add("low");
  const shares = SOURCES.map((source) => [source, say(`source.${source}`), kwh(one[`${source}_kwh`])]);
  made.append(
    create("h3", "", name),
    stackedBars(rows, kwh(scale.energy), energyLabel, NAMES, SOURCES, scale.energy),
    sourceList(shares),
    cost,
    create("p", "note", say("daysCost", { money: money(one.ev_cost, result.currency) })),
  );
  return made;
}

/** Today beside another run, on the same scale. */
function byDay(result) {
  const made = card("byDay", "wide");
  const [today, ...others] = result.outcomes;
  const most = (value) => Math.max(...result.outcomes.flatMap((one) => one.days.map(value)), 0.01);
  const scale = { energy: most((day) => day.pv_kwh + day.battery_kwh + day.grid_kwh), cost: most((day) => day.ev_cost) };
  const pair = create("div", "day-pair");
  const show = (one) => pair.replaceChildren(days(today, result, nameOf(TODAY), scale), days(one, result, nameOf(one.name), scale));
  if (others.length > 1) {
    const field = choice(others.map((one) => [one.name, nameOf(one.name)]));
    const named = create("label", "tool");
    named.append(create("span", "", say("compareWith")), field);
    field.addEventListener("change", () => show(others.find((one) => one.name === field.value)));
    made.append(named);
  }
  show(others[0]);
  made.append(pair);
  return made;
}

/** All cards of a result. */
export function comparison(job) {
  const { result } = job;
  const best = card("verdict", "wide");
  best.append(...verdict(result));
  const sides = card("sideBySide", "wide sides");
  sides.append(sideBySide(result));
  const reports = create("p", "files");
  reports.append(create("span", "note", say("reports")), ...job.runs.map((run) => {
    const link = create("a", "quiet", nameOf(run));
    link.href = address(`api/simulations/${job.id}/report?run=${encodeURIComponent(run)}`);
    link.target = "_blank";
    link.rel = "noopener";
    return link;
  }));
  sides.append(reports);
  const about = card("whatToKnow", "wide");
  const list = create("ul", "notes");
  const data = say(result.data === "recordings" ? "fromRecordings" : "fromMinutes", { hours: wholeNumber(result.known_h), step: result.step_s });
  list.append(...[data, ...result.notes].map((words) => create("li", "", words)));
  about.append(list);
  return [best, sides, byDay(result), about];
}
