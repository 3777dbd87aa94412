// The dashboard: the live stream in, each card told what is new.

import { address } from "./api.js";
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { showDetails } from "./details.js";
import { showFlow } from "./flow.js";
import { timeOfDay } from "./format.js";
import { follow } from "./live.js";
import { showNow } from "./now.js";
import { PlanCard } from "./plan.js";
import { showSetpoint } from "./setpoint.js";
import { showStay } from "./stay.js";
import { say } from "./text.js";
import { create, find, setAttribute, setHidden, setText } from "./write.js";
import { setZone } from "./zone.js";

const controls = new Controls();
const chart = new Chart();
const planCard = new PlanCard();
let wanted = "";
let newest = null;
let chosen = null;
let wasLive = false;
let tabs = "";
let stream = null;

const choice = (chargers) => chargers.find((charger) => charger.id === wanted) ?? chargers[0];

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
      input.addEventListener("change", () => { location.hash = `#/dashboard/${encodeURIComponent(charger.id)}`; });
      label.append(input, create("span", "", charger.name));
      list.append(label);
    }
  }
  for (const input of list.querySelectorAll("input")) input.checked = input.value === id;
}

function show() {
  if (!newest?.chargers.length || !stream) return;
  const charger = choice(newest.chargers);
  const now = Date.parse(newest.timestamp);
  setZone(newest.site.timezone);
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
  setText(document.head.querySelector("title"), charger.name ? `${charger.name} · ${say("title")}` : say("title"));
  document.body.classList.remove("loading");
}

function received(snapshot) {
  newest = snapshot;
  show();
}

function connection({ live, quiet, last }) {
  if (!stream) return;
  const good = live && !quiet;
  const since = last === null ? null : timeOfDay(new Date(last));
  setText(find("link"), good ? say("live") : live || last === null ? say("connecting") : say("offline"));
  setAttribute(find("link"), "data-state", good ? "live" : "offline");
  let words = "";
  if (!live) words = since === null ? say("neverData") : say("noData", { since });
  else if (quiet) words = say("staleData", { since });
  setText(find("banner"), words);
  setHidden(find("banner"), good);
  document.body.classList.toggle("stale", !good);
  if (!live && wasLive) controls.disconnected();
  if (live && !wasLive && chosen !== null) chart.load();
  wasLive = live;
}

document.querySelector(".details").addEventListener("toggle", show);

/** Begin the stream, for the charging point that the address names; returns how to show another and how to end. */
export function open(place, [charger = ""], frame) {
  wanted = charger;
  setText(find("link"), say("connecting"));
  stream = follow(address("api/events"), received, connection, frame.may);
  return {
    go([other = ""]) {
      wanted = other;
      show();
    },
    again: stream.open,
    close() {
      stream.end();
      stream = null;
      wasLive = false;
      for (const id of ["link", "banner"]) setText(find(id), "");
      for (const id of ["banner", "chargers"]) setHidden(find(id), true);
      setAttribute(find("link"), "data-state", null);
      document.body.classList.remove("stale");
    },
  };
}
