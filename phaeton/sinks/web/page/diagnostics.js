// Diagnostics: what is measured and counted inside, the D-Bus tree, the registers, recordings and the support bundle.

import { get } from "./api.js";
import { BusTree } from "./bus.js";
import { button, card, pairs, table } from "./fields.js";
import { amps, bytes, span, timeOfDay, wholeNumber } from "./format.js";
import { Recordings } from "./recordings.js";
import { Registers } from "./registers.js";
import { say } from "./text.js";
import { create, setText } from "./write.js";

const counted = (n) => (n === null || n === undefined ? say("unknown") : wholeNumber(n));
const ms = (x) => (x === null ? say("unknown") : amps(x));

function readiness({ ready }) {
  const made = create("section", "card wide");
  made.append(create("h2", ready.ready ? "ready good" : "ready", say(ready.ready ? "ready" : "notReady")));
  const list = create("ul", "lines");
  list.append(...ready.reasons.map((reason) => create("li", "", reason.text)));
  if (ready.reasons.length) made.append(list);
  return made;
}

function links({ modbus, dbus }) {
  const made = card("links", "wide");
  for (const link of modbus) {
    const state = [
      say(link.connected ? "linkUp" : "linkDown"),
      link.outage_s === null ? "" : say("outage", { span: span(link.outage_s) }),
      link.why,
      say("connects", { n: link.connects, count: wholeNumber(link.connects) }),
      link.connects_failed ? say("requestsFailed", { count: wholeNumber(link.connects_failed) }) : "",
      link.waiting ? say("waits", { n: link.waiting, count: wholeNumber(link.waiting) }) : "",
    ];
    const name = `Modbus ${link.host}:${link.port}`;
    const titles = [say("request"), say("answered"), say("failures"), `${say("lastMs")} (ms)`, `${say("meanMs")} (ms)`, `${say("longestMs")} (ms)`];
    const rows = link.blocks.map((b) => [b.name, counted(b.answered), counted(b.failed), ms(b.last_ms), ms(b.mean_ms), ms(b.longest_ms)]);
    made.append(create("h3", "", name), create("p", link.connected ? "note" : "note bad", state.filter(Boolean).join(" · ")));
    if (rows.length) made.append(table(name, titles, rows));
  }
  const state = [say(dbus.connected ? "linkUp" : "linkDown"), dbus.why, dbus.backlog ? String(dbus.backlog) : ""];
  made.append(create("h3", "", "D-Bus"), create("p", dbus.connected ? "note" : "note bad", state.filter(Boolean).join(" · ")));
  const list = create("ul", "lines");
  for (const service of dbus.services) {
    const item = create("li");
    item.append(create("span", "", service.name), create("span", service.registered ? "" : "bad", service.problem || say(service.registered ? "linkUp" : "linkDown")));
    list.append(item);
  }
  made.append(list);
  return made;
}

function sources({ sources: all }) {
  const made = card("sources");
  const left = (one) => Object.entries(one.left_out).map(([why, count]) => `${why} ${wholeNumber(count)}`).join(", ");
  const list = pairs(all.map((one) => [
    one.name,
    [
      one.age_s === null ? say("sourceNone") : say("sourceAge", { span: span(one.age_s) }),
      one.trouble,
      left(one) ? say("leftOut", { what: left(one) }) : "",
    ].filter(Boolean).join(" · "),
    Boolean(one.trouble),
  ]));
  list.classList.add("broad");
  made.append(list);
  return made;
}

function timing({ control, store, recorder }) {
  const made = card("timing", "wide");
  const rows = [
    ["timingLag", control.loop_lag],
    ["timingStep", control.step],
    ["timingPublish", control.publish],
    ["timingCommit", store.commit],
    ...(recorder ? [["timingFlush", recorder.flush]] : []),
  ].map(([key, { last_ms: last, last_hour: hour }]) => [
    say(key), ms(last), ms(hour.mean_ms), ms(hour.p50_ms), ms(hour.p95_ms), ms(hour.p99_ms), ms(hour.max_ms), counted(hour.count),
  ]);
  const titles = [say("timing"), say("lastMs"), say("meanMs"), say("half"), say("of95"), say("of99"), say("longestMs"), "n"];
  made.append(create("p", "note", say("lastHour")), table(say("timing"), titles, rows));
  return made;
}

function counters({ control, web, store }) {
  const made = card("counters");
  made.append(pairs([
    [say("events"), counted(control.events)],
    [say("decisions"), counted(control.decisions)],
    [say("overruns"), counted(control.overruns)],
    [say("graphFailures"), counted(control.graph_failures), control.graph_failures > 0],
    [say("restarts"), counted(control.restarts), control.restarts > 0],
    [say("tasks"), counted(control.tasks)],
    [say("commits"), counted(store.commits)],
    [say("pagesOpen"), counted(web.clients)],
    [say("logsOpen"), counted(web.log_clients)],
  ]));
  return made;
}

function process({ process: p, version }) {
  const made = card("process");
  made.append(pairs([
    ["Phaeton", version],
    ["Python", `${p.python} · ${p.platform}`],
    [say("uptime"), span(p.uptime_s)],
    [say("cpu"), `${span(p.cpu_s)} · ${amps(p.cpu_pct)}\u00a0%`],
    [say("memory"), bytes(p.rss_bytes)],
    [say("memoryPeak"), bytes(p.peak_rss_bytes)],
    [say("files"), counted(p.open_fds)],
    [say("threads"), counted(p.threads)],
  ]));
  return made;
}

function disk({ store, recorder }) {
  const made = card("disk");
  const troubles = [store.trouble, recorder?.trouble ?? "", ...store.messages].filter(Boolean);
  const list = create("ul", "lines");
  list.append(...troubles.map((words) => create("li", "bad", words)));
  made.append(create("p", "note", store.path), ...(troubles.length ? [list] : [create("p", "", say("diskWell"))]));
  return made;
}

class Diagnostics {
  #frame;
  #note = create("p", "note");
  #measured = create("div", "stackcards two");
  #asked = 0;

  constructor(place, frame) {
    this.#frame = frame;
    this.#note.setAttribute("role", "status");
    const tools = create("div", "tools");
    tools.append(button(say("refresh"), () => this.#load()), this.#note);
    const more = create("div", "stackcards");
    more.append(new BusTree(frame).card, new Registers(frame).card, ...new Recordings(frame).cards);
    place.append(tools, this.#measured, more);
    this.#load();
  }

  close() {
    this.#asked += 1;
  }

  async #load() {
    const mine = ++this.#asked;
    let found;
    try {
      found = await get("api/diagnostics");
    } catch (error) {
      if (mine === this.#asked) setText(this.#note, this.#frame.failed(error));
      return;
    }
    if (mine !== this.#asked) return;
    setText(this.#note, say("asOf", { time: timeOfDay(new Date(found.time)) }));
    this.#measured.replaceChildren(...[readiness, links, timing, sources, counters, process, disk].map((part) => part(found)));
  }
}

export function open(place, rest, frame) {
  return new Diagnostics(place, frame);
}
