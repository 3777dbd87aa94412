// The numbers behind: phases, meter, the charger's identity and the connections.

import { amps, kwh, oneDigit, powerText, span, wholeNumber } from "./format.js";
import { say, toldWords } from "./text.js";
import { create, find, setText, sync } from "./write.js";

const withUnit = (value, unit) => (value === null ? say("unknown") : `${oneDigit(value)}\u00a0${unit}`);

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

const requestsText = (link) =>
  [
    link.requests ? say("requests", { n: link.requests, count: wholeNumber(link.requests) }) : "",
    link.failures ? say("requestsFailed", { count: wholeNumber(link.failures) }) : "",
    link.requests && link.latency_ms !== null ? `${oneDigit(link.latency_ms)}\u00a0ms` : "",
  ]
    .filter(Boolean)
    .join(", ");

const linkText = (link) =>
  [
    link.up ? say("linkUp") : say("linkDown"),
    toldWords(link.detail),
    link.age_s === null ? "" : say("linkAge", { span: span(link.age_s) }),
    requestsText(link),
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
    [say("model"), charger.product_name],
    [say("serial"), charger.serial],
    [say("firmware"), charger.firmware],
    [say("meter"), kwh(charger.energy)],
    [say("limits"), say(limits.now_a === null ? "currentBounds" : "limitsNow", { min: amps(limits.min_a), max: amps(limits.max_a), now: amps(limits.now_a) })],
    [say("temperature"), charger.temperature_c === null ? "" : `${wholeNumber(charger.temperature_c)}\u00a0°C`],
    [say("title"), snapshot.version],
  ].filter(([, value]) => value);
  sync(find("facts-list"), facts, makePair, fillPair);
  sync(find("links"), snapshot.links.map((link) => [link.name, linkText(link), !link.up]), makePair, fillPair);
}
