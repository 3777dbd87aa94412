// The log as it is written: by level and words, paused when somebody reads, the newest at the bottom.

import { address } from "./api.js";
import { button, choice, fileLink, labelled } from "./fields.js";
import { timeOfDay, wholeNumber } from "./format.js";
import { say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const FIRST = 300;
const MOST = 1000; // lines on the page
const MOST_WAITING = 2000;
const RETRY_MS = 2000;
const TYPING_MS = 300;
const NEAR_PX = 24;
const LEVELS = ["debug", "info", "warning", "error"];

function line(record) {
  const made = create("p", `${record.level === "critical" ? "error" : record.level}-line`);
  const details = Object.entries(record.details).map(([name, value]) => ` ${name}=${value}`).join("");
  made.append(
    create("span", "time", timeOfDay(new Date(record.time))),
    " ",
    create("b", "", record.level.toUpperCase()),
    ` ${record.logger}: ${record.message}${details}${record.exception ? `\n${record.exception}` : ""}`,
  );
  return made;
}

function gap(count) {
  return create("p", "gap", say("logOldest", { n: count, count: wholeNumber(count) }));
}

class Logs {
  #frame;
  #source = null;
  #last = "";
  #retry = 0;
  #typing = 0;
  #paused = false;
  #waiting = []; // records, and numbers for how many were left out
  #arrived = [];
  #drawing = 0;
  #level = choice(LEVELS.map((level) => [level, say(`level.${level}`)]));
  #search = Object.assign(create("input"), { type: "search", maxLength: 200 });
  #box = create("div", "card log");
  #note = create("p", "note");
  #pause;
  #newest;

  constructor(place, frame) {
    this.#frame = frame;
    this.#level.value = "info";
    this.#level.addEventListener("change", () => this.#begin());
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#begin(), TYPING_MS);
    });
    this.#pause = button(say("pause"), () => this.#turn());
    setAttribute(this.#pause, "aria-pressed", "false");
    this.#newest = button(say("newest"), () => this.#toNewest());
    this.#newest.hidden = true;
    const tools = create("form", "tools");
    tools.addEventListener("submit", (event) => event.preventDefault());
    const file = fileLink(say("download"), address("api/logs/download?rotated=true"));
    tools.append(labelled("level", this.#level), labelled("search", this.#search, "grow"), this.#pause, file);
    this.#box.tabIndex = 0;
    this.#box.setAttribute("role", "region");
    this.#box.setAttribute("aria-label", say("logLabel"));
    this.#box.addEventListener("scroll", () => setHidden(this.#newest, this.#atEnd()));
    this.#note.setAttribute("role", "status");
    const state = create("div", "log-state");
    state.append(this.#note, this.#newest);
    place.append(tools, this.#box, state);
    document.addEventListener("visibilitychange", this.#seen);
    this.#begin();
  }

  close() {
    document.removeEventListener("visibilitychange", this.#seen);
    clearTimeout(this.#typing);
    cancelAnimationFrame(this.#drawing);
    this.#end();
  }

  #end() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  /** A page that nobody looks at is not fed; it goes on behind the last line. */
  #seen = () => {
    if (document.hidden) this.#end();
    else if (!this.#source) this.#open();
  };

  /** Other filters: from the beginning. */
  #begin() {
    this.#last = "";
    this.#arrived = [];
    this.#waiting = [];
    this.#box.replaceChildren();
    this.#open();
    this.#tell();
  }

  #open() {
    this.#end();
    const query = new URLSearchParams({ lines: FIRST, level: this.#level.value, search: this.#search.value.trim(), form: "json" });
    if (this.#last) query.set("after", this.#last);
    const source = new EventSource(address(`api/logs/stream?${query}`));
    this.#source = source;
    setText(this.#note, say("connecting"));
    source.addEventListener("open", () => this.#tell());
    source.addEventListener("log", (event) => this.#take(JSON.parse(event.data)));
    source.addEventListener("left_out", (event) => this.#take(JSON.parse(event.data).left_out));
    source.addEventListener("error", () => {
      setText(this.#note, say("offline"));
      if (source.readyState !== EventSource.CLOSED) return;
      this.#retry = setTimeout(async () => {
        if ((await this.#frame.may()) && this.#source === source) this.#open();
      }, RETRY_MS);
    });
  }

  #take(record) {
    if (record.id) this.#last = record.id;
    if (!this.#paused) {
      this.#arrived.push(record);
      if (!this.#drawing) this.#drawing = requestAnimationFrame(() => this.#draw());
      return;
    }
    this.#waiting.push(record);
    if (this.#waiting.length > MOST_WAITING) {
      const left = this.#waiting.splice(0, this.#waiting.length - MOST_WAITING + 1);
      this.#waiting.unshift(left.reduce((sum, one) => sum + (typeof one === "number" ? one : 1), 0));
    }
    this.#tell();
  }

  #draw() {
    this.#drawing = 0;
    const follow = this.#atEnd();
    const records = this.#arrived.splice(0).slice(-MOST);
    this.#box.append(...records.map((record) => (typeof record === "number" ? gap(record) : line(record))));
    while (this.#box.children.length > MOST) this.#box.firstChild.remove();
    if (follow) this.#box.scrollTop = this.#box.scrollHeight;
    setHidden(this.#newest, this.#atEnd());
    this.#tell();
  }

  #atEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < NEAR_PX;
  }

  #toNewest() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#box.focus();
  }

  #turn() {
    this.#paused = !this.#paused;
    setAttribute(this.#pause, "aria-pressed", String(this.#paused));
    setText(this.#pause, say(this.#paused ? "goOn" : "pause"));
    if (this.#paused) {
      this.#waiting = this.#arrived.splice(0); // what came before the press is drawn with the rest
    } else {
      this.#arrived.push(...this.#waiting.splice(0));
      this.#draw();
    }
    this.#tell();
  }

  #tell() {
    const live = this.#source?.readyState === EventSource.OPEN;
    const count = this.#waiting.reduce((sum, one) => sum + (typeof one === "number" ? one : 1), 0);
    const none = live && !this.#paused && !this.#box.children.length && !this.#arrived.length;
    let words = say(live ? "live" : "connecting");
    if (this.#paused) words = say("paused", { n: count, count: wholeNumber(count) });
    else if (none) words = say("logEmpty");
    setText(this.#note, words);
  }
}

export function open(place, rest, frame) {
  return new Logs(place, frame);
}
