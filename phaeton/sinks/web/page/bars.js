// Bars, stacked by kind, such as energy by where it came from.

import { create, setAttribute } from "./write.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 120;
const STEP = 10;
const WIDEST_PX = 96;
export const SOURCES = ["pv", "battery", "grid"];

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/**
 * A figure of bars: `rows` hold `name` (under the bar), `title` and an amount for each of `kinds`; `most` is written at
 * the top, `label` is what the picture says to who cannot see it. At most `names` of the names are written; `least` is
 * how high the scale reaches at least, for pictures that are compared.
 */
export function stackedBars(rows, most, label, names, kinds = SOURCES, least = 1e-9) {
  const figure = create("figure", "bars");
  const top = Math.max(...rows.map((row) => kinds.reduce((sum, kind) => sum + Math.max(row[kind], 0), 0)), least);
  const svg = shape("svg", { viewBox: `0 0 ${rows.length * STEP} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  setAttribute(svg, "aria-label", label);
  rows.forEach((row, index) => {
    const bar = shape("g", {});
    bar.append(shape("title", {}));
    bar.firstChild.textContent = row.title;
    let y = HEIGHT;
    for (const kind of kinds) {
      const height = (Math.max(row[kind], 0) / top) * HEIGHT;
      y -= height;
      bar.append(shape("rect", { x: index * STEP + STEP * 0.12, y: y.toFixed(2), width: STEP * 0.76, height: height.toFixed(2), class: kind }));
    }
    svg.append(bar);
  });
  const times = create("div", "bar-names");
  times.setAttribute("aria-hidden", "true");
  const every = Math.ceil(rows.length / names);
  rows.forEach((row, index) => times.append(create("span", "", index % every ? "" : row.name)));
  figure.style.maxWidth = `${rows.length * WIDEST_PX}px`;
  figure.append(create("span", "price-bound", most), svg, times);
  return figure;
}

/** What the colours mean, with the amounts. */
export function sourceList(amounts) {
  const list = create("ul", "sources");
  for (const [source, name, amount] of amounts) {
    const item = create("li", source);
    item.append(create("i"), create("span", "", name), create("b", "", amount));
    list.append(item);
  }
  return list;
}
