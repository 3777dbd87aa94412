// Puts the page together: words in place, the live stream in, each card told what is new.

import { address } from "./api.js";
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { showDetails } from "./details.js";
import { Door } from "./door.js";
import { showFlow } from "./flow.js";
import { timeOfDay } from "./format.js";
import { follow } from "./live.js";
import { showNow } from "./now.js";
import { PlanCard } from "./plan.js";
import { showSetpoint } from "./setpoint.js";
import { showStay } from "./stay.js";
import { text } from "./text.js";
import { create, find, setAttribute, setHidden, setText } from "./write.js";

for (const element of document.querySelectorAll("[data-text]")) element.textContent = text[element.dataset.text];

const controls = new Controls();
const chart = new Chart();
const planCard = new PlanCard();
let newest = null;
let chosen = null;
let wasLive = false;
let tabs = "";

const wanted = () => decodeURIComponent(location.hash.slice(1));

function choice(chargers) {
  return chargers.find((charger) => charger.id === wanted()) ?? chargers[0];
}

function showTabs(chargers, id) {
  const list = find("chargers");
  setHidden(list, chargers.length < 2);
  const key = chargers.map((charger) => `${charger.id} ${charger.name}`).join("\n");
  if (key !== tabs) {
    tabs = key;
    list.querySelectorAll("label").forEach((label) => label.remove());
    for (const charger of chargers) {
      const label = create("label");
      const input = create("input");
      Object.assign(input, { type: "radio", name: "charger", value: charger.id });
      input.addEventListener("change", () => { location.hash = encodeURIComponent(charger.id); });
      label.append(input, create("span", "", charger.name));
      list.append(label);
    }
  }
  for (const input of list.querySelectorAll("input")) input.checked = input.value === id;
}

function show() {
  if (!newest?.chargers.length) return;
  const charger = choice(newest.chargers);
  const now = Date.parse(newest.timestamp);
  showTabs(newest.chargers, charger.id);
  showNow(charger);
  showFlow(newest.site, newest.chargers);
  showStay(charger.session, now);
  planCard.show(charger, newest, now);
  showSetpoint(charger.lease, charger.reachable);
  showDetails(charger, newest);
  controls.show(charger, newest.seq, now);
  if (charger.id !== chosen) {
    chosen = charger.id;
    chart.choose(chosen);
  }
  chart.add(charger, newest.site, now);
  setText(document.head.querySelector("title"), charger.name ? `${charger.name} · ${text.title}` : text.title);
  document.body.classList.remove("loading");
}

function received(snapshot) {
  newest = snapshot;
  show();
}

function connection({ live, quiet, last }) {
  const good = live && !quiet;
  const since = last === null ? null : timeOfDay(new Date(last));
  setText(find("link"), good ? text.live : live ? text.connecting : last === null ? text.connecting : text.offline);
  setAttribute(find("link"), "data-state", good ? "live" : "offline");
  let words = "";
  if (!live) words = since === null ? text.neverData : text.noData(since);
  else if (quiet) words = text.staleData(since);
  setText(find("banner"), words);
  setHidden(find("banner"), good);
  document.body.classList.toggle("stale", !good);
  if (!live && wasLive) controls.disconnected();
  if (live && !wasLive && chosen !== null) chart.load();
  wasLive = live;
}

setText(find("link"), text.connecting);
window.addEventListener("hashchange", show);
document.querySelector(".details").addEventListener("toggle", show);
const door = new Door(() => stream.open());
const stream = follow(address("api/events"), received, connection, () => door.look());
