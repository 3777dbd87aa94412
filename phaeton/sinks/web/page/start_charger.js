// The first step of the first start: which charger it is, found in the network or at an address, and looked at.

import { Refused, get, send } from "./api.js";
import { button, choice, labelled } from "./fields.js";
import { say, sentence } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const SEARCH_MS = 120000;

let rows = 0;

export class ChargerStep {
  title = "startCharger";
  holds = ["charger"];
  element = create("div");
  #list = create("ul", "lines chargers-found");
  #note = create("p", "note");
  #refusal = create("p", "refusal");
  #search = button(say("searchNetwork"), () => this.#find({}));
  #form = create("form", "tools");
  #host = Object.assign(create("input"), { type: "text", maxLength: 253, autocomplete: "off", spellcheck: false });
  #kind = choice([["", say("kindFoundOut")]]);
  #test = create("button", "quiet", say("testAddress"));
  #found = new Map(); // host:port → what was told of it
  #chosen = "";
  #kinds = new Map();
  #confirmed = new Set();

  constructor() {
    this.#note.setAttribute("role", "status");
    this.#refusal.setAttribute("role", "alert");
    this.#test.type = "submit";
    this.#host.inputMode = "url";
    this.#form.append(labelled("chargerAddress", this.#host, "grow"), labelled("chargerKind", this.#kind), this.#test);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#look();
    });
    const search = create("p", "files");
    search.append(this.#search);
    this.element.append(create("p", "note", say("startChargerText")), search, this.#list, this.#note, this.#form, this.#refusal);
    this.#learn();
  }

  async #learn() {
    const kinds = await get("api/setup/kinds").catch(() => []);
    this.#kind.append(...kinds.map(({ profile, name }) => new Option(name, profile)));
  }

  #look() {
    const [host, port] = this.#host.value.trim().split(/:(\d+)$/);
    const right = /^[A-Za-z0-9._:-]+$/.test(host);
    setAttribute(this.#host, "aria-invalid", right ? null : "true");
    if (right) this.#find({ host, ...(port ? { port: Number(port) } : {}), profile: this.#kind.value });
    else {
      setText(this.#refusal, say("addressWrong"));
      this.#host.focus();
    }
  }

  async #find(where) {
    setText(this.#refusal, "");
    setText(this.#note, say(where.host ? "testing" : "searching"));
    this.#busy(true);
    try {
      const { chargers, searched } = await send("POST", "api/setup/search", where, SEARCH_MS);
      for (const one of chargers) this.#found.set(`${one.host}:${one.port}`, one);
      const first = chargers.find((one) => one.kind);
      if (first && (where.host || !this.#chosen)) this.#chosen = `${first.host}:${first.port}`;
      if (first && where.host && where.profile) this.#kinds.delete(this.#chosen);
      const none = say("searchNone", { networks: searched.join(", ") || say("unknown") });
      setText(this.#note, where.host || chargers.length ? "" : none);
      this.#show();
    } catch (error) {
      setText(this.#note, "");
      setText(this.#refusal, error instanceof Refused ? sentence(error.message) : say("noAnswer"));
    }
    this.#busy(false);
  }

  #busy(busy) {
    this.#search.disabled = busy;
    this.#test.disabled = busy;
  }

  #show() {
    this.#list.replaceChildren(...[...this.#found].map(([key, one]) => this.#row(key, one)));
  }

  #row(key, one) {
    const row = create("li");
    const about = create("div");
    const box = Object.assign(create("input"), { type: "radio", name: "charger-found", checked: key === this.#chosen, disabled: !one.kind });
    box.id = `found-${++rows}`;
    box.addEventListener("change", () => {
      this.#chosen = key;
      setText(this.#refusal, "");
    });
    const label = create("label", "check");
    const words = create("span");
    words.append(create("b", "", one.kind?.name ?? say(one.answers ? "kindUnknown" : "chargerSilent")), ` ${key}`);
    label.append(box, words);
    const state = one.kind ? say(one.ok ? "chargerGood" : "chargerNotYet") : say("chargerNone");
    const sure = one.kind && one.sure && one.sure !== "certain" ? ` ${say("chargerLikely")}` : "";
    about.append(label);
    if (one.answers) about.append(create("p", one.ok ? "note" : "note bad", `${state}${sure}`));
    if (one.others.length) about.append(this.#others(key, one));
    if (one.kind && one.confirm) about.append(this.#confirm(key));
    const more = create("details", "said");
    more.open = !one.ok;
    const lines = create("ul");
    lines.lang = "en";
    lines.append(...one.report.map((line) => create("li", "", line)));
    more.append(create("summary", "", say("chargerSays")), lines);
    about.append(more);
    row.append(about);
    return row;
  }

  #others(key, one) {
    const kinds = choice([one.kind, ...one.others].map(({ profile, name }) => [profile, name]));
    kinds.value = this.#kinds.get(key) ?? one.kind.profile;
    kinds.addEventListener("change", () => this.#kinds.set(key, kinds.value));
    return labelled("chargerKind", kinds);
  }

  #confirm(key) {
    const label = create("label", "check");
    const box = Object.assign(create("input"), { type: "checkbox", checked: this.#confirmed.has(key) });
    box.addEventListener("change", () => (box.checked ? this.#confirmed.add(key) : this.#confirmed.delete(key)));
    label.append(box, create("span", "", say("chargerConfirm")));
    return label;
  }

  wrong() {
    return this.#found.get(this.#chosen)?.kind ? "" : say("chargerMissing");
  }

  patch() {
    const { host, port, unit, kind } = this.#found.get(this.#chosen);
    const confirmed = this.#confirmed.has(this.#chosen);
    const profile = this.#kinds.get(this.#chosen) ?? kind.profile;
    return {
      chargers: [{ host, ...(port === 502 ? {} : { port }), ...(unit === null ? {} : { unit }), profile, ...(confirmed ? { profile_confirmed: true } : {}) }],
    };
  }

  facts() {
    const one = this.#found.get(this.#chosen);
    return [[say("charger"), `${one.kind.name}, ${this.#chosen}`]];
  }
}
