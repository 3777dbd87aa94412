// The goal of a car: so much in it at a time, once. By percent where the size of its battery is known, else by energy.

import { Refused, send } from "./api.js";
import { say } from "./text.js";
import { find, setAttribute, setHidden, setText } from "./write.js";
import { fieldTime, instantOf, wall } from "./zone.js";

const DEPARTURE = "07:00";
const DAY_MS = 86400e3;

/** The next morning on the site's clock. */
export function nextMorning(now) {
  const morning = instantOf(`${wall(now).day}T${DEPARTURE}`);
  return morning > now ? morning : instantOf(`${wall(new Date(now.getTime() + DAY_MS)).day}T${DEPARTURE}`);
}

export class GoalForm {
  #car = null;
  #now = 0;
  #busy = false;

  constructor() {
    find("goal-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#set();
    });
    find("goal-clear").addEventListener("click", () => this.#order("DELETE"));
    find("goal-unit").addEventListener("change", () => this.#bounds());
    find("goal").addEventListener("toggle", () => {
      if (find("goal").open) this.#begin();
    });
  }

  /** Show the form for a car, or hide it where there is none. */
  show(car, now) {
    const other = this.#car?.id !== car?.id;
    this.#car = car;
    this.#now = now;
    setHidden(find("goal"), !car);
    if (!car) return;
    if (other && find("goal").open) this.#begin();
    const { departure, repeating } = car.goal;
    setText(find("goal-title"), departure ? say("goalChange") : say("goalNew"));
    setHidden(find("goal-clear"), !departure || repeating);
  }

  /** Begin with the goal in force, else with a full battery in the morning. */
  #begin() {
    const { goal, info } = this.#car;
    const byPercent = info.battery_kwh !== null;
    const percent = byPercent && goal.energy_kwh === null;
    const unit = find("goal-unit");
    unit.value = percent ? "soc_pct" : "energy_kwh";
    unit.options[0].disabled = !byPercent;
    find("goal-amount").value = goal.soc_pct ?? goal.energy_kwh ?? (percent ? 80 : 10);
    find("goal-time").value = fieldTime(goal.departure ? new Date(goal.departure) : nextMorning(new Date(this.#now)));
    setText(find("goal-hint"), byPercent ? "" : say("goalNoSize"));
    setText(find("goal-refusal"), "");
    this.#bounds();
  }

  #bounds() {
    const percent = find("goal-unit").value === "soc_pct";
    setAttribute(find("goal-amount"), "min", percent ? 1 : 0.1);
    setAttribute(find("goal-amount"), "max", percent ? 100 : 1000);
    setAttribute(find("goal-amount"), "step", percent ? 1 : 0.1);
  }

  #set() {
    const departure = instantOf(find("goal-time").value).toISOString();
    this.#order("PUT", { departure, [find("goal-unit").value]: find("goal-amount").valueAsNumber });
  }

  async #order(method, body) {
    if (this.#busy) return;
    this.#busy = true;
    find("goal-form").classList.add("pending");
    setText(find("goal-refusal"), "");
    try {
      await send(method, `api/vehicles/${encodeURIComponent(this.#car.id)}/goal`, body);
      find("goal").open = false;
      find("goal-title").focus();
    } catch (error) {
      const said = error instanceof Refused ? say("refused", { detail: error.message.replace(/\.$/, "") }) : say("noAnswer");
      setText(find("goal-refusal"), said);
    }
    find("goal-form").classList.remove("pending");
    this.#busy = false;
  }
}
