// The steps of the first start about the house: what the wiring bears, what energy costs, and who may in.

import { send } from "./api.js";
import { choice } from "./fields.js";
import { price } from "./format.js";
import { say } from "./text.js";
import { create, setAttribute, setHidden } from "./write.js";

const SHORTEST = 8;
const HERE = "127.0.0.1";

/** A form of fields under their names; `row(key, field, hint)` adds one. */
class Fields {
  form = create("form", "fields wide-fields");

  row(key, field, hint = "") {
    field.id = `start-${key}`;
    const label = create("label", "", say(key));
    label.htmlFor = field.id;
    this.form.append(label, field);
    if (hint) {
      const words = create("p", "hint", say(hint));
      words.id = `${field.id}-hint`;
      setAttribute(field, "aria-describedby", words.id);
      this.form.append(words);
    }
    return field;
  }

  number(key, [min, max, step], value, hint) {
    const field = Object.assign(create("input"), { type: "number", inputMode: "decimal", min, max, step, value });
    return this.row(key, field, hint);
  }

  /** The first field that is wrong is shown; whether there is none. */
  right() {
    const wrong = [...this.form.elements].find((field) => !field.hidden && !field.checkValidity());
    for (const field of this.form.elements) setAttribute(field, "aria-invalid", field === wrong ? "true" : null);
    wrong?.focus();
    return !wrong;
  }

  show(field, shown) {
    setHidden(field, !shown);
    for (const one of [this.form.querySelector(`[for="${field.id}"]`), this.form.querySelector(`#${field.id}-hint`)]) {
      if (one) setHidden(one, !shown);
    }
  }
}

const numberOf = (field) => (field.value === "" ? null : field.valueAsNumber);

export class HouseStep {
  title = "startHouse";
  holds = ["site"];
  #fields = new Fields();
  element = this.#fields.form;
  #phases = this.#fields.row("startPhases", choice([["3", say("phases", { n: 3 })], ["1", say("phases", { n: 1 })]]));
  #most = this.#fields.number("startMost", [6, 80, 1], 16, "startMostHint");
  #fuse = this.#fields.number("startFuse", [6, 1000, 1], "", "startFuseHint");

  constructor() {
    this.#most.required = true;
  }

  wrong() {
    return this.#fields.right() ? "" : say("numberWrong");
  }

  /** What the charger bears; it belongs into the charger's own section. */
  get limits() {
    return { max_set_current_a: numberOf(this.#most), max_phases: Number(this.#phases.value) };
  }

  patch() {
    const fuse = numberOf(this.#fuse);
    return fuse === null ? {} : { site: { limits: { fuse_a: fuse } } };
  }

  facts() {
    const fuse = numberOf(this.#fuse);
    return [
      [say("startPhases"), say("phases", { n: Number(this.#phases.value) })],
      [say("startMost"), say("amps", { a: numberOf(this.#most) })],
      [say("startFuse"), fuse === null ? say("startNone") : say("amps", { a: fuse })],
    ];
  }
}

export class PriceStep {
  title = "startPrices";
  holds = ["prices"];
  #fields = new Fields();
  element = this.#fields.form;
  #source = this.#fields.row("priceSource", choice(["fixed", "tibber", "energy_charts"].map((source) => [source, say(`priceSource.${source}`)])), "priceSourceHint");
  #grid = this.#fields.number("priceGrid", [-1000, 1000, "any"], 0.25);
  #token = this.#fields.row("tibberToken", Object.assign(create("input"), { type: "password", autocomplete: "off" }), "tibberTokenHint");
  #zone = this.#fields.row("priceZone", Object.assign(create("input"), { type: "text", maxLength: 16, placeholder: "NL" }), "priceZoneHint");
  #feedIn = this.#fields.number("priceFeedIn", [-1000, 1000, "any"], 0.08, "priceFeedInHint");

  constructor() {
    this.#source.addEventListener("change", () => this.#choose());
    this.#choose();
  }

  #choose() {
    const source = this.#source.value;
    for (const [field, of] of [[this.#grid, "fixed"], [this.#token, "tibber"], [this.#zone, "energy_charts"]]) {
      this.#fields.show(field, of === source);
      field.required = of === source;
    }
    this.#feedIn.required = true;
  }

  wrong() {
    return this.#fields.right() ? "" : say("fieldWrong");
  }

  patch() {
    const source = this.#source.value;
    const feed = { feed_in_per_kwh: numberOf(this.#feedIn) };
    if (source === "tibber") return { prices: { source, tibber: { token: this.#token.value.trim() }, ...feed } };
    if (source === "energy_charts") return { prices: { source, energy_charts: { zone: this.#zone.value.trim().toUpperCase() }, ...feed } };
    return { prices: { import_per_kwh: numberOf(this.#grid), ...feed } };
  }

  facts() {
    const source = this.#source.value;
    const told = { fixed: () => `${price(numberOf(this.#grid), "EUR")}/kWh`, tibber: () => say("priceSource.tibber"), energy_charts: () => this.#zone.value };
    return [
      [say("startPrices"), told[source]()],
      [say("priceFeedIn"), `${price(numberOf(this.#feedIn), "EUR")}/kWh`],
    ];
  }
}

export class PasswordStep {
  title = "startPassword";
  holds = ["web", "new"];
  element = create("div");
  #fields = new Fields();
  #everywhere; // the page is there for the network already
  #may;
  #set;
  #new = this.#fields.row("startPasswordNew", Object.assign(create("input"), { type: "password", autocomplete: "new-password", minLength: SHORTEST, maxLength: 1024 }), "startPasswordHint");
  #again = this.#fields.row("startPasswordAgain", Object.assign(create("input"), { type: "password", autocomplete: "new-password", maxLength: 1024 }));
  #open = Object.assign(create("input"), { type: "checkbox" });

  constructor(access, host) {
    this.#everywhere = host !== HERE;
    this.#set = access.password_set;
    this.#may = access.may_set_password;
    const label = create("label", "check");
    label.append(this.#open, create("span", "", say("startOpen")));
    this.element.append(create("p", "note", say(this.#set ? "startPasswordIsSet" : "startPasswordText")));
    if (this.#may) this.element.append(this.#fields.form);
    if (!this.#everywhere) this.element.append(label);
  }

  wrong() {
    if (!this.#fields.right()) return say("passwordShort", { n: SHORTEST });
    if (this.#new.value !== this.#again.value) {
      this.#again.focus();
      return say("startPasswordsDiffer");
    }
    return this.#open.checked && !this.#set && !this.#new.value ? say("startOpenNeeds") : "";
  }

  /** The password before all else: what is saved afterwards may open the page. */
  async first() {
    if (!this.#new.value) return;
    await send("PUT", "api/access/password", { new: this.#new.value });
    this.#new.value = this.#again.value = "";
    this.#set = true;
  }

  patch() {
    return this.#open.checked ? { web: { host: "0.0.0.0" } } : {};
  }

  facts() {
    return [
      [say("password"), say(this.#set || this.#new.value ? "startPasswordYes" : "startNone")],
      [say("startReach"), say(this.#open.checked || this.#everywhere ? "startReachAll" : "startReachHere")],
    ];
  }
}
