// Mode, start and stop, current, phases and boost of the chosen charging point.

import { amps, untilText } from "./format.js";
import { Orders } from "./orders.js";
import { say } from "./text.js";
import { create, find, setAttribute, setHidden, setText } from "./write.js";
import { fieldTime, instantOf } from "./zone.js";

const REFUSAL_MS = 15000;
const SLIDER_MS = 300;
const BOOST_S = 2 * 3600;
const AMOUNTS = new Set(["energy_kwh", "soc_pct"]);

/** Radio buttons in `parent`; `chosen(value)` is told of a choice. Returns a function that shows a value. */
export function segments(parent, name, choices, chosen) {
  const inputs = choices.map(([value, label]) => {
    const input = create("input");
    Object.assign(input, { type: "radio", name, value: String(value) });
    input.addEventListener("change", () => chosen(value));
    const wrap = create("label");
    wrap.append(input, create("span", "", label));
    parent.append(wrap);
    return input;
  });
  return (value, enabled = () => true) =>
    inputs.forEach((input) => {
      const checked = input.value === String(value);
      if (input.checked !== checked) input.checked = checked;
      input.disabled = !enabled(Number(input.value));
    });
}

export class Controls {
  #charger = null;
  #now = 0;
  #refusalTimer = 0;
  #sliderTimer = 0;
  #orders = new Orders(() => this.#render(), (control, detail) => this.#refuse(detail));
  #showMode;
  #showPhases;

  constructor() {
    const modes = [0, 1, 2].map((mode) => [mode, say(`mode.${mode}`)]);
    this.#showMode = segments(find("modes"), "mode", modes, (mode) => this.#ask("mode", "mode", { mode }, mode));
    this.#showPhases = segments(find("phase-choices"), "phases", [[0, say("phaseAuto")], [1, "1"], [3, "3"]], (choice) => {
      const phases = Number(choice);
      this.#ask("phases", "phases", { phases }, phases);
    });
    find("start").addEventListener("click", () => {
      const enabled = !this.#shown("start", Boolean(this.#charger.start_stop));
      this.#ask("start", "startstop", { enabled }, enabled);
    });
    this.#boostKinds();
    find("boost").addEventListener("change", (event) => {
      const on = event.target.checked;
      const body = { on, ...(on ? this.#boostEnd() : {}) };
      if (body.end === null) {
        event.target.checked = false;
        return;
      }
      this.#ask("boost", "boost", body, on);
    });
    find("accept").addEventListener("click", () => {
      this.#ask("accept", "accept", { serial: this.#charger.serial }, true);
    });
    const slider = find("current");
    slider.addEventListener("input", () => this.#slide(Number(slider.value)));
    slider.addEventListener("blur", () => this.#render());
  }

  /** Show a snapshot's charging point. */
  show(charger, seq, now) {
    this.#charger = charger;
    this.#now = now;
    this.#orders.arrived(seq);
    this.#render();
  }

  /** The connection is gone: what was on its way is not known to have arrived. */
  disconnected() {
    this.#orders.forget();
  }

  #shown(control, actual) {
    return this.#orders.shown(this.#charger.id, control, actual);
  }

  #ask(control, path, body, value) {
    this.#clearRefusal();
    this.#orders.ask(this.#charger.id, control, path, body, value);
  }

  #slide(value) {
    clearTimeout(this.#sliderTimer);
    setText(find("current-value"), say("amps", { a: amps(value) }));
    this.#sliderTimer = setTimeout(() => {
      this.#sliderTimer = 0;
      this.#ask("current", "set_current", { amps: value }, value);
    }, SLIDER_MS);
  }

  #refuse(detail) {
    setText(find("refusal"), detail === null ? say("noAnswer") : say("refused", { detail: detail.replace(/\.$/, "") }));
    clearTimeout(this.#refusalTimer);
    this.#refusalTimer = setTimeout(() => this.#clearRefusal(), REFUSAL_MS);
    this.#render();
  }

  #clearRefusal() {
    clearTimeout(this.#refusalTimer);
    setText(find("refusal"), "");
  }

  #render() {
    const charger = this.#charger;
    if (!charger) return;
    const mode = this.#shown("mode", charger.mode);
    this.#showMode(mode);
    setText(find("mode-hint"), say(`modeHint.${mode}`));
    this.#renderStart();
    this.#renderCurrent(mode);
    this.#showPhases(this.#shown("phases", charger.chosen_phases), (n) => n === 0 || charger.can_switch_phases);
    setText(find("phase-hint"), say("phaseFixed"));
    setHidden(find("phase-hint"), charger.can_switch_phases);
    this.#renderBoost();
    for (const [id, control] of [["modes", "mode"], ["phase-choices", "phases"], ["boost", "boost"], ["start", "start"]]) {
      find(id).classList.toggle("pending", this.#orders.waits(charger.id, control));
    }
  }

  #boostKinds() {
    const kind = find("boost-kind");
    for (const value of ["", "until", "energy_kwh", "soc_pct"]) kind.append(new Option(say(`boostKind.${value}`), value));
    kind.addEventListener("change", () => {
      const amount = find("boost-amount");
      setHidden(find("boost-until"), kind.value !== "until");
      setHidden(amount, !AMOUNTS.has(kind.value));
      for (const id of ["boost-until", "boost-amount"]) setAttribute(find(id), "aria-label", say(`boostKind.${kind.value}`));
      find("boost-until").value = fieldTime(new Date(this.#now + BOOST_S * 1000));
      amount.value = kind.value === "soc_pct" ? 80 : 10;
      setAttribute(amount, "min", kind.value === "soc_pct" ? 1 : 0.1);
      setAttribute(amount, "max", kind.value === "soc_pct" ? 100 : 1000);
      setAttribute(amount, "step", kind.value === "soc_pct" ? 1 : 0.1);
    });
  }

  /** Where fast charging is to end, as the order says it; `{ end: null }` where the field is wrong, which says so. */
  #boostEnd() {
    const kind = find("boost-kind").value;
    if (!kind) return {};
    const field = find(kind === "until" ? "boost-until" : "boost-amount");
    if (!field.reportValidity()) return { end: null };
    return { [kind]: kind === "until" ? instantOf(field.value).toISOString() : field.valueAsNumber };
  }

  #renderStart() {
    const on = this.#shown("start", Boolean(this.#charger.start_stop));
    const button = find("start");
    setText(button, on ? say("stop") : say("start"));
    button.classList.toggle("off", !on);
  }

  #renderCurrent(mode) {
    const { limits, set_current: set, current_a, reachable } = this.#charger;
    const now = reachable ? current_a : null;
    const slider = find("current");
    setAttribute(slider, "min", limits.min_a);
    setAttribute(slider, "max", limits.max_a);
    setAttribute(slider, "step", 0.5);
    slider.disabled = mode !== 0;
    const shown = this.#shown("current", set);
    if (!this.#sliderTimer) {
      if (Number(slider.value) !== shown) slider.value = String(shown);
      setText(find("current-value"), say("amps", { a: amps(shown) }));
    }
    setAttribute(slider, "aria-valuetext", find("current-value").textContent);
    setText(find("current-hint"), mode === 0 ? say("currentBounds", { min: amps(limits.min_a), max: amps(limits.max_a) }) : say("currentElsewhere", { a: amps(now) }));
  }

  #renderBoost() {
    const { boost } = this.#charger;
    const on = this.#shown("boost", boost.on);
    const input = find("boost");
    if (input.checked !== on) input.checked = on;
    setHidden(find("boost-end"), on);
    let hint = say("boostHint");
    if (on) hint = boost.until ? say("boostUntil", { time: untilText(boost.until) }) : say("boostIsOn");
    setText(find("boost-hint"), hint);
  }
}
