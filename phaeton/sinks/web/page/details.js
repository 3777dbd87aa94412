// The numbers behind: phases, meter, the charger's identity and the connections.

import { amps, kwh, oneDigit, powerText, span, wholeNumber } from "./format.js";
import { text } from "./text.js";
import { create, find, setText, sync } from "./write.js";

const withUnit = (value, unit) => (value === null ? text.unknown : `${oneDigit(value)}\u00a0${unit}`);

function makeRow() {
  const row = create("tr");
  const head = create("th");
  head.scope = "row";
  row.append(head, create("td"), create("td"), create("td"));
  return row;
}

function makePair() {
  const pair = create("div");
  pair.append(create("dt"), create("dd"));
  return pair;
}

function fillPair(pair, [name, value, bad]) {
  setText(pair.children[0], name);
  setText(pair.children[1], value);
  pair.children[1].classList.toggle("bad", Boolean(bad));
}

const linkText = (link) =>
  [
    link.up ? text.linkUp : text.linkDown,
    link.detail,
    link.age_s === null ? "" : text.linkAge(span(link.age_s)),
    link.requests ? text.requests(wholeNumber(link.requests), link.failures, link.latency_ms === null ? null : oneDigit(link.latency_ms)) : "",
  ]
    .filter(Boolean)
    .join(" · ");

export function showDetails(charger, snapshot) {
  if (!document.querySelector(".details").open) return;
  sync(find("phase-rows"), charger.voltages, makeRow, (row, volts, index) => {
    setText(row.children[0], `L${index + 1}`);
    setText(row.children[1], withUnit(volts, "V"));
    setText(row.children[2], withUnit(charger.currents[index], "A"));
    setText(row.children[3], powerText(charger.powers[index]));
  });
  const limits = charger.limits;
  const facts = [
    [text.model, charger.product_name],
    [text.serial, charger.serial],
    [text.firmware, charger.firmware],
    [text.meter, kwh(charger.energy)],
    [text.limits, text.limitsNow(amps(limits.min_a), amps(limits.max_a), limits.now_a === null ? null : amps(limits.now_a))],
    [text.temperature, charger.temperature_c === null ? "" : `${wholeNumber(charger.temperature_c)}\u00a0°C`],
    [text.title, snapshot.version],
  ].filter(([, value]) => value);
  sync(find("facts-list"), facts, makePair, fillPair);
  sync(find("links"), snapshot.links.map((link) => [link.name, linkText(link), !link.up]), makePair, fillPair);
}
