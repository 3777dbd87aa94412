// The recent past: the daemon's history first, then each snapshot as it comes.

import { get } from "./api.js";
import { segments } from "./controls.js";
import { amps, minuteOfDay, powerText, timeOfDay } from "./format.js";
import { say } from "./text.js";
import { create, find, setAttribute, setText, sync } from "./write.js";
import { siteZone } from "./zone.js";

const NAMES = ["power", "setpoint", "surplus", "pv"];
const COLUMNS = ["power_w", "setpoint_w", "surplus_w", "pv_w"];
const COLOURS = ["--accent", "--muted", "--surplus", "--sun"];
const NOMINAL_V = 230;
const WINDOWS = [300, 3600, 21600];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function volts(charger) {
  const known = charger.voltages.filter((v) => v > 0);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : NOMINAL_V;
}

export class Chart {
  #window = 300;
  #charger = null;
  #step = 1;
  #data = [[], [], [], [], []];
  #counts = [0, 0, 0, 0];
  #plot = null;
  #shown = [true, true, true, true];
  #loading = 0;
  #showWindow;

  constructor() {
    const stored = Number(sessionStorage.getItem("window"));
    if (WINDOWS.includes(stored)) this.#window = stored;
    this.#showWindow = segments(find("windows"), "window", WINDOWS.map((seconds) => [seconds, say(`window.${seconds}`)]), (value) => {
      this.#window = Number(value);
      sessionStorage.setItem("window", value);
      this.load();
    });
    this.#showWindow(this.#window);
    this.#legend();
    new ResizeObserver(() => this.#resize()).observe(find("plot"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw(true));
    document.addEventListener("visibilitychange", () => this.#draw());
  }

  /** Show another charging point, or the same one anew after a gap. */
  choose(charger) {
    this.#charger = charger;
    this.load();
  }

  async load() {
    if (this.#charger === null) return;
    const ticket = ++this.#loading;
    let series;
    let failed = false;
    try {
      series = await get(`api/chargers/${encodeURIComponent(this.#charger)}/series?window=${this.#window}`);
    } catch {
      failed = true;
      series = { step_s: 1, t: [], ...Object.fromEntries(COLUMNS.map((name) => [name, []])) };
    }
    if (ticket !== this.#loading) return;
    this.#step = series.step_s;
    this.#data = [series.t, ...COLUMNS.map((name) => series[name])];
    this.#counts = [1, 1, 1, 1];
    setText(find("chart-note"), failed ? say("chartFailed") : series.t.length < 2 ? say("chartEmpty") : "");
    this.#draw(true);
  }

  /** Take in a snapshot. */
  add(charger, site, now) {
    const t = Math.floor(now / 1000 / this.#step) * this.#step;
    const offered = charger.reachable ? charger.current_a * charger.phases * volts(charger) : null;
    const row = [charger.power_w, offered, charger.surplus_w, site.fresh ? site.pv_w : null];
    const times = this.#data[0];
    const last = times.length - 1;
    if (last >= 0 && t < times[last]) {
      if (t < times[last] - 10 * this.#step) this.load(); // the daemon's clock was set back
      return;
    }
    const fresh = last < 0 || t > times[last];
    if (fresh) {
      times.push(t);
      this.#counts = [0, 0, 0, 0];
    }
    row.forEach((value, index) => {
      const column = this.#data[index + 1];
      if (fresh) column.push(null);
      if (value === null) return;
      const count = ++this.#counts[index];
      const place = column.length - 1;
      column[place] = count === 1 ? value : column[place] + (value - column[place]) / count;
    });
    while (times.length && times[0] < t - this.#window - this.#step) this.#data.forEach((column) => column.shift());
    if (fresh) {
      if (times.length > 2) setText(find("chart-note"), "");
      this.#draw();
    }
  }

  #legend() {
    sync(find("series"), NAMES, () => {
      const item = create("li");
      const button = create("button");
      button.type = "button";
      button.append(create("i"), create("span"), create("b"));
      item.append(button);
      return item;
    }, (item, name, index) => {
      const button = item.firstElementChild;
      button.className = `s-${name}`;
      setText(button.children[1], say(`series.${name}`));
      setAttribute(button, "aria-pressed", "true");
      button.addEventListener("click", () => {
        this.#shown[index] = !this.#shown[index];
        setAttribute(button, "aria-pressed", this.#shown[index]);
        this.#plot?.setSeries(index + 1, { show: this.#shown[index] });
      });
    });
  }

  #options(width, height) {
    const [power, setpoint, surplus, pv] = COLOURS.map(colour);
    const quiet = colour("--muted");
    const line = colour("--line");
    const axis = { stroke: quiet, font: "12px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: line, width: 1 } };
    const series = (stroke, more) => ({ stroke, width: 1.75, points: { show: false }, spanGaps: false, ...more });
    const paths = globalThis.uPlot.paths.stepped({ align: 1 });
    return {
      width,
      height,
      padding: [12, 26, 0, 0],
      tzDate: (t) => (siteZone() ? globalThis.uPlot.tzDate(new Date(t * 1000), siteZone()) : new Date(t * 1000)),
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false }, points: { size: 7 } },
      scales: {
        x: { time: true, range: () => this.#range() },
        y: { range: (_, least, most) => [Math.min(0, Math.floor((least ?? 0) / 500) * 500), Math.max(1000, (most ?? 0) * 1.08)] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 70, size: 30, values: (_, splits) => splits.map((t) => this.#tick(t)) },
        { ...axis, size: 54, space: 44, values: (_, splits) => splits.map((w) => `${amps(w / 1000)}${w === splits.at(-1) ? " kW" : ""}`) },
      ],
      series: [
        {},
        series(power, { width: 2.25, fill: `${power}26`, show: this.#shown[0] }),
        series(setpoint, { dash: [5, 4], paths, show: this.#shown[1] }),
        series(surplus, { show: this.#shown[2] }),
        series(pv, { show: this.#shown[3] }),
      ],
      hooks: { setCursor: [(plot) => this.#values(plot.cursor.idx)] },
    };
  }

  #tick(t) {
    return (this.#window <= 600 ? timeOfDay : minuteOfDay)(new Date(t * 1000));
  }

  #range() {
    const times = this.#data[0];
    const end = times.length ? times[times.length - 1] : Date.now() / 1000;
    return [end - this.#window, end];
  }

  #draw(anew = false) {
    if (document.hidden) return;
    const box = find("plot");
    const { clientWidth: width, clientHeight: height } = box;
    if (!width) return;
    if (anew || !this.#plot) {
      this.#plot?.destroy();
      this.#plot = new globalThis.uPlot(this.#options(width, height), this.#data, box);
    } else {
      this.#plot.setData(this.#data);
    }
    this.#values(this.#plot.cursor.idx);
    const car = this.#data[1].filter((value) => value !== null);
    setAttribute(box, "aria-label", say("chartLabel", { span: say(`window.${this.#window}`), car: powerText(car.at(-1)), most: powerText(car.length ? Math.max(...car) : null) }));
  }

  #values(index) {
    const at = index ?? null;
    setText(find("chart-time"), at === null || this.#data[0][at] === undefined ? "" : timeOfDay(new Date(this.#data[0][at] * 1000)));
    [...find("series").children].forEach((item, column) => {
      const value = at === null ? undefined : this.#data[column + 1][at];
      setText(item.querySelector("b"), value === undefined ? "" : powerText(value));
    });
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = find("plot");
    if (this.#plot && width) this.#plot.setSize({ width, height });
  }
}
