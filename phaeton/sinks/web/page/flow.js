// Power now: who gives and who takes, with lines as thick as the power.

import { powerText, span, wholeNumber } from "./format.js";
import { say, toldWords } from "./text.js";
import { find, setAttribute, setText } from "./write.js";

const IDLE_W = 20;
const STALE_S = 10;
const MIDDLES = { sun: [170, 106, 90], grid: [127, 138, 0], house: [214, 138, 0], battery: [143, 178, -56.1], car: [197, 178, 56.1] };

function node(name, watts, label, most, inwards) {
  const element = find(`node-${name}`);
  const busy = watts !== null && Math.abs(watts) >= IDLE_W;
  element.classList.toggle("busy", busy);
  setText(element.querySelector(".value"), watts === null ? say("unknown") : powerText(Math.abs(watts)));
  setText(element.querySelector(".label"), label);
  const wire = find(`wire-${name}`);
  wire.classList.toggle("on", busy);
  wire.classList.toggle(`from-${name}`, busy);
  setAttribute(wire, "stroke-width", busy ? (2 + 5 * Math.min(Math.abs(watts) / most, 1)).toFixed(1) : "2");
  wire.style.strokeWidth = wire.getAttribute("stroke-width");
  const arrow = find(`arrow-${name}`);
  const [x, y, angle] = MIDDLES[name];
  const size = busy ? 1 + wire.getAttribute("stroke-width") / 9 : 1;
  const outwards = { sun: -1, grid: -1, battery: -1, house: 1, car: 1 }[name] === 1 ? !inwards : inwards;
  setAttribute(arrow, "class", `from-${name}`);
  setAttribute(arrow, "transform", `translate(${x} ${y}) rotate(${outwards ? angle : angle + 180}) scale(${size.toFixed(2)})`);
  setAttribute(arrow, "visibility", busy ? "visible" : "hidden");
}

function note(site) {
  if (site.pv_w === null && site.grid_w === null && site.consumption_w === null) return site.why ? say("noSiteWhy", { why: toldWords(site.why) }) : say("noSite");
  if (site.age_s !== null && site.age_s > STALE_S) return say("oldSite", { span: span(site.age_s) });
  return site.surplus_w === null ? "" : say("surplus", { power: powerText(site.surplus_w) });
}

export function showFlow(site, chargers) {
  const known = chargers.filter((charger) => charger.power_w !== null);
  const cars = known.length ? known.reduce((sum, charger) => sum + charger.power_w, 0) : null;
  const most = Math.max(1000, ...[site.pv_w, site.grid_w, site.house_w ?? site.consumption_w, site.battery_w, cars].map((w) => Math.abs(w ?? 0)));
  const grid = site.grid_w ?? 0;
  const battery = site.battery_w ?? 0;
  const gridWay = Math.abs(grid) < IDLE_W ? "" : ` ${grid > 0 ? say("importing") : say("exporting")}`;
  const house = site.house_w ?? site.consumption_w;
  const houseName = site.house_w === null && house !== null ? say("houseAndCar") : say("house");
  find("flow").classList.toggle("old", !site.fresh);
  const soc = site.battery_soc_pct === null ? "" : ` ${wholeNumber(site.battery_soc_pct)}\u00a0%`;
  node("sun", site.pv_w, say("sun"), most, true);
  node("grid", site.grid_w, say("grid") + gridWay, most, grid > 0);
  node("house", house, houseName, most, false);
  node("battery", site.battery_w, say("battery") + soc, most, battery < 0);
  node("car", cars, chargers.length > 1 ? say("cars") : say("car"), most, false);
  const fill = site.battery_soc_pct === null ? 0 : (16 * site.battery_soc_pct) / 100;
  setAttribute(find("battery-fill"), "d", `M-9.5-4h${fill.toFixed(1)}v8h${(-fill).toFixed(1)}z`);
  setText(find("flow-note"), note(site));
  const batteryWay = Math.abs(battery) < IDLE_W ? "" : ` ${battery > 0 ? say("chargingBattery") : say("discharging")}`;
  setAttribute(
    find("flow"),
    "aria-label",
    say("flowLabel", { parts: [
      `${say("sun")} ${powerText(site.pv_w)}`,
      `${say("grid")}${gridWay} ${site.grid_w === null ? say("unknown") : powerText(Math.abs(grid))}`,
      `${houseName} ${powerText(house)}`,
      `${say("battery")}${soc}${batteryWay} ${site.battery_w === null ? say("unknown") : powerText(Math.abs(battery))}`,
      `${chargers.length > 1 ? say("cars") : say("car")} ${powerText(cars)}`,
    ].join(", ") }),
  );
}
