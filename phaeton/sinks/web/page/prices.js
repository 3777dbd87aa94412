// The prices of today and tomorrow as bars, the slots that are charged in highlighted, now marked.

import { get } from "./api.js";
import { dayOf, price, untilText } from "./format.js";
import { say } from "./text.js";
import { create, find, setAttribute, setText } from "./write.js";
import { wall } from "./zone.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const AGAIN_MS = 15 * 60e3;
const TICK_H = 6;
const QUARTER_MS = 900e3;

const bounds = (slots) => [Date.parse(slots[0].start), Date.parse(slots.at(-1).end)];

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Whether a slot of the prices is charged in: by the plan of this point, else by what the daemon says. */
function charged(slot, plan) {
  if (!plan) return slot.charge === true;
  return plan.slots.some((planned) => planned.start < slot.end && planned.end > slot.start);
}

export class Prices {
  #slots = [];
  #key = "";
  #asked = 0;
  #currency = "";
  #plan = null;

  /** Show what is known at `now` (ms); `plan` is that of the shown charging point. */
  show(summary, plan, now) {
    this.#plan = plan;
    this.#currency = summary?.currency ?? "";
    const key = `${summary?.version} ${plan?.made} ${plan?.slots.length}`;
    if (summary && (key !== this.#key || now - this.#asked > AGAIN_MS)) {
      this.#key = key;
      this.#asked = now;
      this.#load(now);
    }
    const unknown = summary?.import_per_kwh === null || summary?.import_per_kwh === undefined;
    setText(find("price-now"), unknown ? say("priceUnknown") : price(summary.import_per_kwh, this.#currency));
    setText(find("price-unit"), unknown ? "" : say("perKwh"));
    setText(find("price-note"), [summary?.trouble, unknown ? "" : say("priceUntil", { time: untilText(summary.until) })].filter(Boolean).join(" · "));
    this.#mark(now);
  }

  async #load(now) {
    try {
      this.#slots = (await get("api/prices")).slots;
    } catch {
      this.#key = "";
      return;
    }
    this.#draw();
    this.#mark(now);
  }

  #draw() {
    const svg = find("price-bars");
    svg.replaceChildren();
    find("price-times").replaceChildren();
    find("price-plot").hidden = this.#slots.length < 2;
    if (this.#slots.length < 2) return;
    const [begin, end] = bounds(this.#slots);
    const values = this.#slots.map((slot) => slot.import_per_kwh);
    const top = Math.max(...values, 0);
    const bottom = Math.min(...values, 0);
    const scale = HEIGHT / (top - bottom || 1);
    const zero = top * scale;
    const width = end - begin;
    setAttribute(svg, "viewBox", `0 0 1000 ${HEIGHT}`);
    for (const slot of this.#slots) {
      const x = ((Date.parse(slot.start) - begin) / width) * 1000;
      const w = ((Date.parse(slot.end) - Date.parse(slot.start)) / width) * 1000;
      const h = Math.max(Math.abs(slot.import_per_kwh) * scale, 0.8);
      const y = slot.import_per_kwh < 0 ? zero : zero - h;
      const kind = [charged(slot, this.#plan) ? "on" : "", slot.import_per_kwh < 0 ? "below" : ""].filter(Boolean).join(" ");
      svg.append(shape("rect", { x: x.toFixed(2), y: y.toFixed(2), width: Math.max(w * 0.88, 0.5).toFixed(2), height: h.toFixed(2), class: kind }));
    }
    svg.append(shape("line", { x1: 0, x2: 1000, y1: zero.toFixed(2), y2: zero.toFixed(2), class: "zero" }));
    svg.append(shape("line", { id: "price-mark", y1: 0, y2: HEIGHT, x1: 0, x2: 0, class: "mark" }));
    setText(find("price-top"), price(Math.max(...values), this.#currency));
    setText(find("price-bottom"), price(Math.min(...values), this.#currency));
    this.#times(begin, end);
    const planned = this.#slots.filter((slot) => charged(slot, this.#plan));
    const label = say("priceLabel", { least: price(Math.min(...values), this.#currency), most: price(Math.max(...values), this.#currency) });
    const when = planned.length ? say("priceLabelPlanned", { from: untilText(planned[0].start), until: untilText(planned.at(-1).end) }) : say("priceLabelNothing");
    setAttribute(svg, "aria-label", `${label} ${when}`);
  }

  #times(begin, end) {
    const first = Math.ceil(begin / QUARTER_MS) * QUARTER_MS; // some zones are off by a part of an hour
    for (let t = first; t <= end; t += QUARTER_MS) {
      const date = new Date(t);
      const { hour, time } = wall(date);
      const share = (t - begin) / (end - begin);
      if (share > 0.97 || hour % TICK_H || !time.endsWith(":00")) continue;
      const label = create("span", hour ? "" : "day", hour ? time.slice(0, 2) : dayOf(date));
      label.style.left = `${(share * 100).toFixed(2)}%`;
      find("price-times").append(label);
    }
  }

  #mark(now) {
    const mark = document.getElementById("price-mark");
    if (!mark || this.#slots.length < 2) return;
    const [begin, end] = bounds(this.#slots);
    const x = (((now - begin) / (end - begin)) * 1000).toFixed(1);
    setAttribute(mark, "x1", x);
    setAttribute(mark, "x2", x);
    mark.style.display = now >= begin && now <= end ? "" : "none";
  }
}
