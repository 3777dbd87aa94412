// The browsers that are logged in.

import { get, send } from "./api.js";
import { card } from "./fields.js";
import { momentOf } from "./format.js";
import { sureButton } from "./sure.js";
import { say } from "./text.js";
import { create, setHidden, setText } from "./write.js";

const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]];

/** A browser in two words: what it calls itself is long, and says too much. */
function nameOf(agent) {
  const found = [BROWSERS, SYSTEMS].map((names) => names.find(([sign]) => agent.includes(sign))?.[1]).filter(Boolean);
  return found.join(" · ") || agent || say("loginUnknown");
}

export class Logins {
  card = card("loginsTitle", "wide");
  #frame;
  #list = create("ul", "lines");
  #note = create("p", "note");
  #others;

  constructor(frame) {
    this.#frame = frame;
    this.#note.setAttribute("role", "status");
    this.#others = sureButton(say("loginsEndOthers"), say("loginsEndReally"), "", () => this.#end(""));
    const buttons = create("p", "files");
    buttons.append(this.#others);
    this.card.append(this.#list, this.#note, buttons);
    this.load();
  }

  async load() {
    try {
      const logins = await get("api/access/sessions");
      this.#list.replaceChildren(...logins.map((login) => this.#row(login)));
      setText(this.#note, logins.length ? "" : say("loginsNone"));
      setHidden(this.#others.parentElement, !logins.some((login) => !login.current));
    } catch (error) {
      setHidden(this.#others.parentElement, true);
      setText(this.#note, this.#frame.failed(error));
    }
  }

  #row(login) {
    const row = create("li");
    const about = create("div");
    const name = nameOf(login.agent);
    const used = say("loginUsed", { time: momentOf(new Date(login.used)) });
    const ends = say("loginEnds", { time: momentOf(new Date(login.ends)) });
    about.append(create("b", "", name), create("p", "note", [login.address, used, ends].join(" · ")));
    about.title = login.agent;
    row.append(about);
    if (login.current) row.append(create("span", "note", say("loginThis")));
    else row.append(sureButton(say("logOut"), say("logOutReally"), `${name} ${login.address}`, () => this.#end(`/${encodeURIComponent(login.id)}`)));
    return row;
  }

  async #end(which) {
    try {
      await send("DELETE", `api/access/sessions${which}`);
      await this.load();
    } catch (error) {
      setText(this.#note, this.#frame.failed(error));
    }
  }
}
