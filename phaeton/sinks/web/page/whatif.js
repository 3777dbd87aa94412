// What if: recorded days, other settings, run beside the control; earlier ones are listed.

import { Refused, get, getChanged, post, send } from "./api.js";
import { Calendar, shifted } from "./calendar.js";
import { comparison, nameOf } from "./comparison.js";
import { button, card, labelled, pairs } from "./fields.js";
import { dateOf, momentOf, money, percent, span, wholeNumber } from "./format.js";
import { Knobs } from "./knobs.js";
import { sureButton } from "./sure.js";
import { TakeOver, namesOf } from "./takeover.js";
import { known, say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";
import { instantOf } from "./zone.js";

const LOOK_MS = 1000;
const MOST = 8;
const STRATEGIES = ["immediate", "windows", "auto", "price_plan"];
const HOUSE = "phaeton-whatif-battery";
const OVER = new Set(["done", "failed", "cancelled"]);

const dates = (job) => {
  const days = [new Date(job.start), new Date(Date.parse(job.end) - 1000)].map(dateOf);
  return days[0] === days[1] ? days[0] : `${days[0]} – ${days[1]}`;
};

class WhatIf {
  #frame;
  #place = create("div", "stackcards");
  #closed = false;
  #ticket = 0;
  #timer = 0;

  constructor(place, frame) {
    this.#frame = frame;
    place.append(this.#place);
  }

  go([id]) {
    clearTimeout(this.#timer);
    const mine = ++this.#ticket;
    this.#frame.title(say("viewWhatIf"));
    this.#place.replaceChildren(create("p", "note", say("loading")));
    if (id) this.#job(id, mine, "");
    else this.#begin(mine);
  }

  close() {
    this.#closed = true;
    this.#ticket += 1;
    clearTimeout(this.#timer);
  }

  // The beginning: days, variants, earlier ones.

  async #begin(mine) {
    let parts;
    try {
      parts = await Promise.all([get("api/simulations/days"), get("api/simulations"), get("api/config"), get("api/config/schema")]);
    } catch (error) {
      if (mine === this.#ticket) this.#place.replaceChildren(create("p", "note", this.#frame.failed(error)), button(say("again"), () => this.go([])));
      return;
    }
    if (mine !== this.#ticket) return;
    const [found, jobs, document, schema] = parts;
    const earlier = this.#earlier(jobs);
    if (!found.days.length) {
      this.#place.replaceChildren(nothingYet(found), earlier);
      return;
    }
    const form = new Form(found, asNow(document, this.#frame.status), schema, this.#frame);
    this.#place.replaceChildren(create("p", "note", say("whatIfHint")), ...form.cards, earlier);
  }

  #earlier(jobs) {
    const made = card("earlier");
    if (!jobs.length) made.append(create("p", "note", say("noEarlier")));
    const list = create("ul", "lines");
    list.append(...jobs.map((job) => this.#line(job)));
    made.append(list);
    return made;
  }

  #line(job) {
    const line = create("li");
    const about = create("span", "earlier-line");
    const link = create("a", "", dates(job));
    link.href = `#/whatif/${job.id}`;
    about.append(link, create("span", "note", [`${momentOf(new Date(job.made))}`, job.runs.slice(1).map(nameOf).join(", "), headline(job)].join(" · ")));
    line.append(about);
    if (this.#frame.has("control")) {
      const gone = sureButton(say("remove"), say("removeReally"), `${dates(job)}, ${momentOf(new Date(job.made))}`, async () => {
        try {
          if (!OVER.has(job.state)) await send("DELETE", `api/simulations/${job.id}`);
          await send("DELETE", `api/simulations/${job.id}`);
        } catch (error) {
          if (error.status !== 404) {
            about.append(create("span", "bad", this.#frame.failed(error)));
            return;
          }
        }
        line.remove();
      });
      const buttons = create("span", "buttons");
      buttons.append(gone);
      line.append(buttons);
    }
    return line;
  }

  // One of them.

  /** Follow a job until it is over; asked again it answers that nothing has changed. */
  async #job(id, mine, tag) {
    let answer = { tag, value: null };
    try {
      if (!document.hidden) answer = await getChanged(`api/simulations/${encodeURIComponent(id)}`, tag);
    } catch (error) {
      if (mine !== this.#ticket) return;
      if (tag && !(error instanceof Refused)) answer = { tag, value: null }; // it is asked again
      else {
        this.#place.replaceChildren(back(), create("p", "note", this.#frame.failed(error)));
        return;
      }
    }
    if (mine !== this.#ticket) return;
    if (answer.value) this.#show(answer.value);
    if (!answer.value || !OVER.has(answer.value.state)) this.#timer = setTimeout(() => this.#job(id, mine, answer.tag), LOOK_MS);
  }

  #show(job) {
    this.#frame.title(say("whatIfOf", { dates: dates(job) }));
    if (job.state === "done") {
      this.#place.replaceChildren(back(), ...comparison(job), this.#tried(job));
    } else if (OVER.has(job.state)) {
      const over = card("runOver");
      over.append(create("p", "warning", job.state === "failed" ? say("runFailed", { detail: job.error.replace(/\.$/, "") }) : say("runCancelled")));
      this.#place.replaceChildren(back(), over, this.#tried(job));
    } else if (this.#bar?.job === job.id && this.#bar.element.isConnected) {
      this.#bar.show(job);
    } else {
      this.#bar = new Running(job, this.#frame);
      this.#place.replaceChildren(back(), this.#bar.element, this.#tried(job));
    }
  }

  #bar = null;

  /** What each run changes; of a variant that is done, with the way to take it over. */
  #tried(job) {
    const made = card("whatChanges");
    for (const one of job.tried.slice(1)) {
      made.append(create("h3", "", nameOf(one.name)));
      const list = create("ul", "lines");
      const hint = `runHint.${one.name}`;
      const changes = one.changed.length ? one.changed : [say(known(hint) ? hint : "nothingToTakeOver")];
      list.append(...changes.map((words) => create("li", "", words)));
      made.append(list);
      if (job.state === "done" && one.changed.length && this.#frame.has("admin")) made.append(new TakeOver(one, this.#frame).element);
    }
    return made;
  }
}

/** The progress of a job. */
class Running {
  element = create("section", "card");
  job;
  #words = create("p");
  #bar = create("progress");
  #refusal = create("p", "refusal");

  constructor(job, frame) {
    this.job = job.id;
    this.#words.setAttribute("role", "status");
    this.#refusal.setAttribute("role", "alert");
    this.#bar.max = 1;
    setAttribute(this.#bar, "aria-label", say("runProgress"));
    this.element.append(create("h2", "", say("runRuns")), this.#words, this.#bar, create("p", "note", say("runHintLeave")));
    if (frame.has("control")) {
      const row = create("p", "orders");
      row.append(button(say("runCancel"), async (event) => {
        event.target.disabled = true;
        try {
          await send("DELETE", `api/simulations/${job.id}`);
        } catch (error) {
          event.target.disabled = false;
          setText(this.#refusal, frame.failed(error));
        }
      }));
      this.element.append(row, this.#refusal);
    }
    this.show(job);
  }

  show(job) {
    const left = job.eta_s === null ? "" : say("timeLeft", { span: span(job.eta_s) });
    setText(this.#words, job.state === "queued" ? say("runWaits") : [percent(100 * job.progress), left].filter(Boolean).join(" · "));
    if (job.state === "queued") this.#bar.removeAttribute("value");
    else this.#bar.value = job.progress;
  }
}

/** Days, variants and what else is compared. */
class Form {
  cards;
  #frame;
  #document;
  #schema;
  #calendar;
  #variants = [];
  #list = create("div", "stackcards");
  #compared = [];
  #battery;
  #start;
  #refusal = create("p", "refusal");
  #more;

  constructor(found, settings, schema, frame) {
    this.#frame = frame;
    this.#document = settings;
    this.#schema = schema;
    this.#refusal.setAttribute("role", "alert");
    this.#start = button(say("runStart"), () => this.#run(), "start off");
    this.#calendar = new Calendar(found.days, () => { this.#start.disabled = !this.#calendar?.stays; });
    this.#start.disabled = !this.#calendar.stays;
    const days = card("whichDays");
    days.append(this.#calendar.element);
    if (!found.records) days.append(create("p", "note", say("recordHint")));
    this.#more = button(say("anotherVariant"), () => this.#variant());
    const may = frame.has("control");
    const row = create("p", "orders");
    row.append(this.#more);
    this.cards = [days, this.#list, row, this.#rest()];
    const go = create("p", "orders");
    go.append(this.#start);
    this.cards.at(-1).append(may ? go : create("p", "note", say("runNeedsControl")), this.#refusal);
    this.#variant();
  }

  #variant() {
    const number = this.#variants.reduce((most, one) => Math.max(most, one.number), 0) + 1;
    const one = { number, name: Object.assign(create("input"), { value: say("variantName", { number }), maxLength: 40 }), knobs: new Knobs(this.#document, this.#schema) };
    const made = create("section", "card");
    const head = create("div", "tools");
    const gone = button(say("remove"), () => {
      this.#variants = this.#variants.filter((other) => other !== one);
      made.remove();
      this.#limits();
    });
    one.gone = gone;
    head.append(labelled("variantNamed", one.name, "grow"), gone);
    made.append(create("h2", "", say("whichSettings")), head, one.knobs.element);
    this.#variants.push(one);
    this.#list.append(made);
    this.#limits();
    if (number > 1) one.name.focus();
  }

  #limits() {
    setHidden(this.#more, this.#variants.length >= MOST);
    for (const one of this.#variants) {
      setHidden(one.gone, this.#variants.length < 2);
      setAttribute(one.gone, "aria-label", `${say("remove")} ${say("variantName", { number: one.number })}`);
    }
  }

  #rest() {
    const made = card("whatElse");
    const group = create("fieldset", "choice plain");
    group.append(create("legend", "", say("alsoCompare")));
    this.#compared = STRATEGIES.map((name) => {
      const label = create("label", "check");
      const box = Object.assign(create("input"), { type: "checkbox", value: name });
      label.append(box, create("span", "", say(`run.${name}`)));
      group.append(label);
      return box;
    });
    this.#battery = Object.assign(create("input"), { type: "number", min: 0, max: 10000, step: "any", inputMode: "decimal" });
    try {
      this.#battery.value = localStorage.getItem(HOUSE) ?? 0;
    } catch {
      this.#battery.value = 0;
    }
    made.append(group, labelled("houseBattery", this.#battery, "house-battery"), create("p", "note", say("houseBatteryHint")));
    return made;
  }

  async #run() {
    setText(this.#refusal, "");
    const variants = this.#variants.filter((one) => one.knobs.count).map((one) => ({ name: one.name.value.trim(), set: one.knobs.patch }));
    const compare = this.#compared.filter((box) => box.checked).map((box) => box.value);
    if (!variants.length && !compare.length) {
      setText(this.#refusal, say("changeSomething"));
      return;
    }
    const { first, last } = this.#calendar;
    const body = {
      from: instantOf(`${first}T00:00`).toISOString(),
      to: instantOf(`${shifted(last, 1)}T00:00`).toISOString(),
      variants,
      compare,
      battery_kwh: this.#battery.valueAsNumber || 0,
    };
    try {
      localStorage.setItem(HOUSE, body.battery_kwh);
    } catch {
      // it is asked for again
    }
    this.#start.disabled = true;
    try {
      const job = await post("api/simulations", body);
      location.hash = `#/whatif/${job.id}`;
    } catch (error) {
      setText(this.#refusal, error instanceof Refused ? say("runRefused", { detail: error.message.replace(/\.$/, "") }) : this.#frame.failed(error));
    } finally {
      this.#start.disabled = false;
    }
  }
}

/** The configuration with the modes and currents that hold now, as the simulation of today has them. */
function asNow(settings, status) {
  const names = namesOf(settings);
  const chargers = settings.chargers.map((one, n) => {
    const point = status?.chargers.find((found) => found.id === names[n]);
    return point ? { ...one, initial: { ...one.initial, mode: point.mode_name, set_current_a: point.set_current } } : one;
  });
  return { ...settings, chargers };
}

/** What came of it in a few words. */
function headline(job) {
  if (job.state === "running") return say("jobState.running", { share: percent(100 * job.progress) });
  if (!job.result) return say(`jobState.${job.state}`);
  const [today, ...others] = job.result.outcomes;
  const best = others.reduce((found, one) => (one.saving > found.saving ? one : found), today);
  if (best === today) return say("todayIsBest");
  return say("isBest", { name: nameOf(best.name), saving: money(best.saving, job.result.currency) });
}

function nothingYet(found) {
  const made = card("nothingRecorded");
  made.append(
    create("p", "", say(found.keeps_days > 0 ? "nothingYet" : "minutesOff")),
    create("p", "note", say("recordHint")),
    pairs([[say("minutesKept"), say("daysOf", { n: found.keeps_days, count: wholeNumber(found.keeps_days) })], [say("secondsKept"), say(found.records ? "knobYes" : "knobNo")]]),
  );
  return made;
}

function back() {
  const link = create("a", "back", `‹ ${say("viewWhatIf")}`);
  link.href = "#/whatif";
  return link;
}

const look = create("link");
Object.assign(look, { rel: "stylesheet", href: new URL("whatif.css", import.meta.url).href });
document.head.append(look);

export function open(place, rest, frame) {
  const view = new WhatIf(place, frame);
  view.go(rest);
  return view;
}
