// The first start: step by step to a configuration that charges. Nothing is kept before the last step.

import { Refused, get, send } from "./api.js";
import { button } from "./fields.js";
import { say, sentence } from "./text.js";
import { ChargerStep } from "./start_charger.js";
import { HouseStep, PasswordStep, PriceStep } from "./start_house.js";
import { create, setHidden, setText } from "./write.js";

const TRIES = 60;
const PAUSE_MS = 500;

const pause = () => new Promise((done) => { setTimeout(done, PAUSE_MS); });

/** A JSON merge of parts that may share sections. */
function joined(parts) {
  const whole = {};
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const both = value?.constructor === Object && whole[key]?.constructor === Object;
      whole[key] = both ? joined([whole[key], value]) : value;
    }
  }
  return whole;
}

class SummaryStep {
  element = create("dl", "pairs");
  title = "startSummary";

  begin(steps) {
    const facts = steps.flatMap((step) => step.facts?.() ?? []);
    this.element.replaceChildren(...facts.map(([name, value]) => {
      const pair = create("div");
      pair.append(create("dt", "", name), create("dd", "", value));
      return pair;
    }));
  }
}

class Start {
  #steps;
  #at = 0;
  #ended = false;
  #card = create("section", "card");
  #count = create("p", "note");
  #heading = create("h2");
  #place = create("div");
  #refusal = create("p", "refusal");
  #back;
  #next;

  constructor(place, access, config) {
    this.#steps = [new ChargerStep(), new HouseStep(), new PriceStep(), new PasswordStep(access, config.web.host), new SummaryStep()];
    this.#heading.tabIndex = -1;
    this.#refusal.setAttribute("role", "alert");
    this.#back = button(say("startBack"), () => this.#go(this.#at - 1));
    this.#next = button("", () => this.#forward(), "quiet main");
    const buttons = create("p", "files");
    buttons.append(this.#back, this.#next);
    this.#card.append(this.#count, this.#heading, this.#place, this.#refusal, buttons);
    this.#place.addEventListener("submit", (event) => event.preventDefault());
    const cards = create("div", "stackcards start-cards");
    cards.append(create("p", "note", say("startText")), this.#card);
    place.append(cards);
    this.#show();
  }

  close() {
    this.#ended = true;
  }

  get #last() {
    return this.#at === this.#steps.length - 1;
  }

  #show() {
    const step = this.#steps[this.#at];
    setText(this.#count, say("startStep", { n: this.#at + 1, count: this.#steps.length }));
    setText(this.#heading, say(step.title));
    step.begin?.(this.#steps);
    this.#place.replaceChildren(step.element);
    setHidden(this.#back, this.#at === 0);
    setText(this.#next, say(this.#last ? "startSave" : "startNext"));
  }

  #go(to) {
    this.#at = to;
    setText(this.#refusal, "");
    this.#show();
    this.#heading.focus();
  }

  #forward() {
    const wrong = this.#steps[this.#at].wrong?.() ?? "";
    setText(this.#refusal, wrong);
    if (wrong) return;
    if (this.#last) this.#save();
    else this.#go(this.#at + 1);
  }

  async #save() {
    this.#next.disabled = true;
    this.#back.disabled = true;
    setText(this.#refusal, "");
    try {
      for (const step of this.#steps) await step.first?.();
      await send("PATCH", "api/config", this.#patch());
      setText(this.#count, say("startBegins"));
      await this.#running();
    } catch (error) {
      this.#refused(error);
    }
    this.#next.disabled = false;
    this.#back.disabled = false;
  }

  #patch() {
    const whole = joined(this.#steps.map((step) => step.patch?.() ?? {}));
    whole.chargers[0].limits = this.#steps[1].limits;
    return whole;
  }

  /** Back to the step that the daemon does not take. */
  #refused(error) {
    const field = error instanceof Refused ? error.field ?? "" : "";
    const at = this.#steps.findIndex((step) => step.holds?.some((key) => field.startsWith(key)));
    if (at >= 0) this.#go(at);
    setText(this.#refusal, error instanceof Refused ? sentence(error.message) : say("noAnswer"));
  }

  /** The page's server begins anew with the charger, and does not answer for a moment. */
  async #running() {
    for (let tries = 0; tries < TRIES && !this.#ended; tries += 1) {
      if ((await get("api/access").catch(() => null))?.configured) {
        location.hash = "#/dashboard";
        return;
      }
      await pause();
    }
    setText(this.#refusal, say("noAnswer"));
  }
}

export function open(place, rest, frame) {
  let view = null;
  let closed = false;
  Promise.all([get("api/access"), get("api/config")]).then(([access, config]) => {
    if (closed) return;
    if (access.configured) place.append(create("p", "note", say("startDone")));
    else view = new Start(place, access, config);
  }, (error) => place.append(create("p", "note", frame.failed(error))));
  return {
    close() {
      closed = true;
      view?.close();
    },
  };
}
