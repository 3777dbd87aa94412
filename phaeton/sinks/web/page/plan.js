// The card of prices, the car and its plan: charge, goal, when it charges, and how late it would be.

import { kwh, money, percent, span, untilText } from "./format.js";
import { GoalForm } from "./goal.js";
import { Prices } from "./prices.js";
import { say } from "./text.js";
import { create, find, setHidden, setText, sync } from "./write.js";

function carText(car) {
  const where = car.point ? "" : say("away");
  const charge = car.soc_pct === null ? say("socUnknown") : percent(car.soc_pct);
  const limit = car.limit_soc_pct !== null && car.limit_soc_pct < 100 ? say("limitSoc", { percent: percent(car.limit_soc_pct) }) : "";
  return [where, charge, limit].filter(Boolean).join(" · ");
}

function goalText(goal) {
  if (!goal?.departure) return "";
  return say("goal", { what: goal.soc_pct === null ? kwh(goal.energy_kwh) : percent(goal.soc_pct), time: untilText(goal.departure) });
}

function planTexts(plan, currency, scheduled) {
  if (!plan) return scheduled ? [] : [say("planElsewhere")];
  const when = plan.charging ? say("planNow") : plan.next ? say("planNext", { time: untilText(plan.next) }) : plan.sun_kwh > 0 ? say("planSun") : "";
  const done = plan.done ? say("planDone", { time: untilText(plan.done) }) : "";
  const cost = plan.cost === null ? "" : say("planCost", { money: money(plan.cost, currency) });
  const sun = plan.sun_kwh >= 0.1 ? say("planSunShare", { kwh: kwh(plan.sun_kwh) }) : "";
  return [[when, done, cost].filter(Boolean).join(" · "), sun, plan.waits_for_prices ? say("planWaits") : ""].filter(Boolean);
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
    setText(find("plan-late"), late ? say("planLate", { span: span(plan.late_min * 60), kwh: kwh(plan.missing_kwh) }) : "");
    setHidden(find("plan-late"), !late);
    setHidden(find("car-part"), !cars.length && !lines.length && !late);
  }
}
