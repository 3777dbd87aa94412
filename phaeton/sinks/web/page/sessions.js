// The sessions: months, filters, one page after the other, and one of them in detail.

import { address, get } from "./api.js";
import { button, choice, fileLink, labelled } from "./fields.js";
import { kwh, momentOf, money, percent, span } from "./format.js";
import { Months } from "./months.js";
import { showSession } from "./session.js";
import { say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";
import { instantOf } from "./zone.js";

const PAGE = 25;
const DAY_MS = 86400e3;
const GUEST = "\u0000"; // an option's value that no car has

const dayField = () => Object.assign(create("input"), { type: "date" });

/** The day after one, as a date field has it. */
const dayAfter = (day) => new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);

const COLUMNS = [
  ["begin", (stay) => momentOf(new Date(stay.start_time))],
  ["duration", (stay) => (stay.end_time ? span((Date.parse(stay.end_time) - Date.parse(stay.start_time)) / 1000) : say("running"))],
  ["car", (stay, names) => names.car(stay.vehicle)],
  ["charger", (stay, names) => names.charger(stay.charger)],
  ["energy", (stay) => kwh(stay.energy_delivered_kwh)],
  ["sunShare", (stay) => (stay.energy_delivered_kwh > 0 ? percent((100 * stay.pv_kwh) / stay.energy_delivered_kwh) : say("unknown"))],
  ["cost", (stay) => money(stay.cost, stay.currency)],
];

class Sessions {
  #frame;
  #list = create("div", "stackcards");
  #one = create("div", "stackcards");
  #tools = create("form", "tools");
  #fields = {};
  #months = new Months();
  #rows = create("tbody");
  #table = create("div", "card");
  #note = create("p", "note");
  #more;
  #files = create("p", "files");
  #cursor = null;
  #asked = 0;
  #failed = false; // the first page could not be had; the button asks for it again
  #names = { car: (id) => id || say("unknown"), charger: (id) => id };

  constructor(place, frame) {
    this.#frame = frame;
    this.#note.setAttribute("role", "status");
    this.#more = button(say("older"), () => this.#load(this.#failed));
    place.append(this.#list, this.#one);
    this.#learn();
  }

  go([id]) {
    setHidden(this.#list, Boolean(id));
    setHidden(this.#one, !id);
    this.#frame.title(say("viewSessions"));
    if (id) this.#show(id);
    else this.#begin();
  }

  close() {
    this.#asked += 1;
  }

  /** Who is who; what is not known goes by its id. */
  #learn() {
    const found = this.#frame.status;
    const cars = new Map((found?.vehicles ?? []).map((car) => [car.id, car.name || car.id]));
    const chargers = new Map((found?.chargers ?? []).map((charger) => [charger.id, charger.name]));
    this.#names = { car: (id) => cars.get(id) ?? (id || say("unknown")), charger: (id) => chargers.get(id) ?? id };
    this.#build(cars, chargers);
  }

  #build(cars, chargers) {
    const fields = {
      from: dayField(),
      to: dayField(),
      vehicle: choice([["", say("allCars")], ...cars, [GUEST, say("guestCar")]]),
      charger: choice([["", say("allChargers")], ...chargers]),
    };
    this.#fields = fields;
    this.#tools.setAttribute("aria-label", say("filters"));
    this.#tools.append(labelled("from", fields.from), labelled("to", fields.to));
    if (cars.size) this.#tools.append(labelled("car", fields.vehicle));
    if (chargers.size > 1) this.#tools.append(labelled("charger", fields.charger));
    const clear = button(say("clearFilters"), () => {
      this.#tools.reset();
      this.#load(true);
    });
    this.#tools.append(clear);
    this.#tools.addEventListener("change", () => this.#load(true));
    this.#tools.addEventListener("submit", (event) => event.preventDefault());

    const table = create("table", "cards-table");
    const head = create("tr");
    const shown = COLUMNS.filter(([key]) => (key !== "car" || cars.size) && (key !== "charger" || chargers.size > 1));
    for (const [key] of shown) head.append(Object.assign(create("th", "", say(key)), { scope: "col" }));
    const thead = create("thead");
    thead.append(head);
    table.append(thead, this.#rows);
    this.#columns = shown;
    const heading = create("h2", "", say("viewSessions"));
    this.#table.append(heading, table, this.#note, this.#more, this.#files);
    this.#list.append(this.#tools, this.#months.card, this.#table);
  }

  #columns = COLUMNS;

  /** The filters as the API wants them. */
  #query() {
    const query = new URLSearchParams();
    const { from, to, vehicle, charger } = this.#fields;
    if (from.value) query.set("from", instantOf(`${from.value}T00:00`).toISOString());
    if (to.value) query.set("to", instantOf(`${dayAfter(to.value)}T00:00`).toISOString());
    if (vehicle.value) query.set("vehicle", vehicle.value === GUEST ? "" : vehicle.value);
    if (charger.value) query.set("charger", charger.value);
    return query;
  }

  #begin() {
    if (!this.#rows.children.length) this.#load(true);
  }

  async #load(anew) {
    const mine = ++this.#asked;
    const { from, to } = this.#fields;
    const turned = Boolean(from.value && to.value) && from.value > to.value;
    setAttribute(from, "aria-invalid", turned ? "true" : null);
    if (turned) {
      setText(this.#note, say("daysTurned"));
      return;
    }
    const query = this.#query();
    const filtered = query.size > 0;
    this.#links(query);
    setHidden(this.#more, true);
    if (anew) {
      this.#cursor = null;
      setText(this.#note, say("loading"));
      this.#months.load(query).catch(() => null);
    }
    query.set("limit", PAGE);
    if (this.#cursor) query.set("cursor", this.#cursor);
    let page;
    try {
      page = await get(`api/sessions?${query}`);
    } catch (error) {
      if (mine !== this.#asked) return;
      setText(this.#note, this.#frame.failed(error));
      setHidden(this.#more, false);
      setText(this.#more, say("again"));
      this.#failed = anew;
      if (anew) this.#rows.replaceChildren(); // they are of other filters
      return;
    }
    if (mine !== this.#asked) return;
    this.#failed = false;
    setText(this.#more, say("older"));
    if (anew) this.#rows.replaceChildren();
    const first = this.#rows.children.length;
    const running = anew && !filtered && page.current_session ? [page.current_session] : [];
    const listed = page.history.filter((stay) => stay.id !== running[0]?.id);
    this.#rows.append(...[...running, ...listed].map((stay) => this.#row(stay)));
    this.#cursor = page.next;
    setHidden(this.#more, !page.more);
    const none = !this.#rows.children.length;
    setText(this.#note, none ? say(filtered ? "noSessionFits" : "noSessions") : "");
    setHidden(this.#rows.parentElement, none);
    setHidden(this.#files, none);
    if (!anew && first) this.#rows.children[first]?.querySelector("a").focus();
  }

  #row(stay) {
    const row = create("tr");
    this.#columns.forEach(([key, value], index) => {
      const cell = create(index ? "td" : "th");
      const words = value(stay, this.#names);
      if (index) {
        cell.dataset.name = say(key);
        cell.textContent = words;
      } else {
        cell.scope = "row";
        const link = create("a", "", words);
        link.href = `#/sessions/${encodeURIComponent(stay.id)}`;
        cell.append(link);
      }
      row.append(cell);
    });
    return row;
  }

  #links(query) {
    const link = (key, form) => {
      const asked = new URLSearchParams(query);
      asked.set("form", form);
      return fileLink(say(key), address(`api/sessions?${asked}`));
    };
    this.#files.replaceChildren(create("span", "note", say("download")), link("downloadCsv", "csv"), link("downloadJson", "ndjson"));
  }

  async #show(id) {
    const mine = ++this.#asked;
    this.#one.replaceChildren(create("p", "note", say("loading")));
    let stay;
    try {
      stay = await get(`api/sessions/${encodeURIComponent(id)}`);
    } catch (error) {
      if (mine === this.#asked) this.#one.replaceChildren(back(), create("p", "note", this.#frame.failed(error)));
      return;
    }
    if (mine !== this.#asked) return;
    this.#frame.title(say("sessionOf", { date: momentOf(new Date(stay.start_time)) }));
    this.#one.replaceChildren(back(), ...showSession(stay, this.#names));
  }
}

function back() {
  const link = create("a", "back", `‹ ${say("allSessions")}`);
  link.href = "#/sessions";
  return link;
}

export function open(place, rest, frame) {
  const view = new Sessions(place, frame);
  view.go(rest);
  return view;
}
