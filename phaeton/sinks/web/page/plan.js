// The card of prices, the car and its plan: charge, goal, when it charges, and how late it would be.

import { kwh, money, span, untilText, wholeNumber } from "./format.js";
import { GoalForm } from "./goal.js";
import { Prices } from "./prices.js";
import { text } from "./text.js";
import { create, find, setHidden, setText, sync } from "./write.js";

const percent = (x) => (x === null ? text.unknown : `${wholeNumber(x)}\u00a0%`);

function carText(car) {
  const where = car.point ? "" : text.away;
  const charge = car.soc_pct === null ? text.socUnknown : percent(car.soc_pct);
  const limit = car.limit_soc_pct !== null && car.limit_soc_pct < 100 ? text.limitSoc(percent(car.limit_soc_pct)) : "";
  return [where, charge, limit].filter(Boolean).join(" · ");
}

function goalText(goal) {
  if (!goal?.departure) return "";
  return text.goal(goal.soc_pct === null ? kwh(goal.energy_kwh) : percent(goal.soc_pct), untilText(goal.departure));
}

function planTexts(plan, currency, scheduled) {
  if (!plan) return scheduled ? [] : [text.planElsewhere];
  const when = plan.charging ? text.planNow : plan.next ? text.planNext(untilText(plan.next)) : plan.sun_kwh > 0 ? text.planSun : "";
  const done = plan.done ? text.planDone(untilText(plan.done)) : "";
  const cost = plan.cost === null ? "" : text.planCost(money(plan.cost, currency));
  const sun = plan.sun_kwh >= 0.1 ? text.planSunShare(kwh(plan.sun_kwh)) : "";
  return [[when, done, cost].filter(Boolean).join(" · "), sun, plan.waits_for_prices ? text.planWaits : ""].filter(Boolean);
}

function makeCar() {
  const item = create("li");
  item.append(create("b"), create("span"));
  return item;
}

const makeLine = () => create("li");

export class PlanCard {
  #prices = new Prices();
  #goal = new GoalForm();

  /** Show the card for one charging point, or hide it where there is nothing of it. */
  show(charger, snapshot, now) {
    const { vehicles, prices } = snapshot;
    const dynamic = Boolean(prices) && prices.source !== "fixed";
    const plan = charger.plan;
    const shown = dynamic || vehicles.length > 0 || Boolean(plan);
    setHidden(find("plan"), !shown);
    if (!shown) return;
    const priced = Boolean(prices) && (dynamic || Boolean(plan));
    setHidden(find("price-part"), !priced);
    if (priced) this.#prices.show(prices, plan, now);
    const here = vehicles.filter((car) => car.id === charger.vehicle);
    const cars = here.length ? here : vehicles.filter((car) => !car.point);
    sync(find("plan-cars"), cars, makeCar, (item, car) => {
      setText(item.children[0], car.name || car.id);
      setText(item.children[1], carText(car));
    });
    this.#goal.show(cars.length === 1 ? cars[0] : null, now);
    const goal = cars.length === 1 ? goalText(cars[0].goal) : "";
    const lines = [goal, ...(goal || plan ? planTexts(plan, prices?.currency ?? "", charger.mode === 2) : [])].filter(Boolean);
    sync(find("plan-lines"), lines, makeLine, (item, line) => setText(item, line));
    const late = Boolean(plan) && (plan.late_min > 0 || plan.missing_kwh > 0);
    setText(find("plan-late"), late ? text.planLate(span(plan.late_min * 60), kwh(plan.missing_kwh)) : "");
    setHidden(find("plan-late"), !late);
    setHidden(find("car-part"), !cars.length && !lines.length && !late);
  }
}
