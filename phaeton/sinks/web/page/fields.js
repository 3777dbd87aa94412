// The small fields and buttons that the views are made of.

import { say } from "./text.js";
import { create } from "./write.js";

/** A field under its name. */
export function labelled(key, field, className = "") {
  const label = create("label", `tool ${className}`.trim());
  label.append(create("span", "", say(key)), field);
  return label;
}

export function button(words, pressed, className = "quiet") {
  const made = create("button", className, words);
  made.type = "button";
  made.addEventListener("click", pressed);
  return made;
}

export function choice(options) {
  const select = create("select");
  for (const [value, name] of options) select.append(new Option(name, value));
  return select;
}

/** A link to a file. */
export function fileLink(words, href) {
  const link = create("a", "quiet", words);
  link.href = href;
  link.setAttribute("download", "");
  return link;
}

/** A part of the page under a title. */
export function card(key, className = "") {
  const made = create("section", `card ${className}`.trim());
  made.append(create("h2", "", say(key)));
  return made;
}

/** Names and values. */
export function pairs(facts) {
  const list = create("dl", "pairs");
  for (const [name, value, bad] of facts) {
    const pair = create("div");
    pair.append(create("dt", "", name), create("dd", bad ? "bad" : "", value));
    list.append(pair);
  }
  return list;
}

/** A table that scrolls sideways by itself where the page is narrow; the first cell of each row names it. */
export function table(label, titles, rows, left = 1) {
  const scroll = create("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", label);
  const head = create("tr");
  head.append(...titles.map((words, index) => Object.assign(create("th", index < left ? "left" : "", words), { scope: "col" })));
  const thead = create("thead");
  thead.append(head);
  const body = create("tbody");
  for (const cells of rows) {
    const row = create("tr");
    row.append(Object.assign(create("th", "left", cells[0]), { scope: "row" }));
    row.append(...cells.slice(1).map((words, index) => create("td", index + 1 < left ? "left" : "", words)));
    body.append(row);
  }
  const made = create("table");
  made.append(thead, body);
  scroll.append(made);
  return scroll;
}
