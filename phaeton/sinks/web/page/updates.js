// Updates: what is installed and what is newer, installed here with its steps told, a file of one's own, the way back.

import { Refused, address, get, send } from "./api.js";
import { button, card, pairs } from "./fields.js";
import { bytes, dateOf, momentOf, percent } from "./format.js";
import { notes } from "./notes.js";
import { sureButton } from "./sure.js";
import { say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const FAST_MS = 1000;
const SLOW_MS = 5000;
const LONG_MS = 3600e3; // a download over a slow line
const CAME_FROM = "phaeton-updated-from";
const OTHERS = 8;

class Updates {
  #frame;
  #admin;
  #alert = create("p", "refusal");
  #doing = create("section", "card wide");
  #step = create("p", "");
  #bar = create("progress");
  #installed = create("section", "card");
  #newer = create("section", "card");
  #file = create("section", "card");
  #lost = create("section", "card");
  #others = create("section", "card wide");
  #status = null;
  #releases = null;
  #version = null; // that of the page
  #away = false;
  #ordered = false; // an order of this page is under way
  #closed = false;
  #asked = 0;
  #timer = 0;

  constructor(place, frame) {
    this.#frame = frame;
    this.#admin = frame.has("admin");
    this.#alert.setAttribute("role", "alert");
    this.#step.setAttribute("role", "status");
    setAttribute(this.#bar, "aria-label", say("updateProgress"));
    this.#doing.append(create("h2", "", say("updateRuns")), this.#step, this.#bar);
    for (const one of [this.#doing, this.#file, this.#lost, this.#others]) setHidden(one, true);
    const cards = create("div", "stackcards two");
    cards.append(this.#doing, this.#installed, this.#newer, this.#lost, this.#file, this.#others);
    place.append(this.#alert, cards);
    this.#upload();
    this.#look();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Ask how it stands, and again soon while something is going on. */
  async #look() {
    clearTimeout(this.#timer);
    const mine = ++this.#asked;
    let found;
    try {
      found = await get("api/update/status");
    } catch (error) {
      if (this.#closed || mine !== this.#asked) return;
      this.#missed(error);
      return;
    }
    if (this.#closed || mine !== this.#asked) return;
    if (this.#version !== null && found.current_version !== this.#version) return this.#begin(found.current_version);
    this.#away = false;
    this.#show(found);
    if (found.step || found.waits || found.trial || this.#ordered) {
      this.#again(found.step || this.#ordered ? FAST_MS : SLOW_MS);
    }
    if (this.#releases === null && !found.step && !found.how_to_update) this.#list();
  }

  #again(after) {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => this.#look(), after);
  }

  /** No answer: while an update runs, Phaeton starts again and is found by itself. */
  #missed(error) {
    if (this.#status?.step || this.#ordered || this.#away) {
      this.#away = true;
      this.#progress({ what: "restarting", version: "", share_pct: null });
      return this.#again(FAST_MS);
    }
    if (!this.#status) {
      const again = button(say("again"), () => this.#look());
      this.#installed.replaceChildren(create("h2", "", say("installed")), create("p", "note", this.#frame.failed(error)), again);
      setHidden(this.#newer, true);
      return;
    }
    setText(this.#alert, this.#frame.failed(error));
    this.#again(SLOW_MS);
  }

  /** Another version runs: the page is that of the old one. */
  #begin(version) {
    try {
      sessionStorage.setItem(CAME_FROM, JSON.stringify([this.#version, version]));
    } catch {
      // it is not told then
    }
    location.reload();
  }

  #show(status) {
    this.#status = status;
    this.#version ??= status.current_version;
    this.#progress(status.step);
    this.#showInstalled(status);
    this.#showNewer(status);
    setHidden(this.#file, !this.#admin || status.installed_as !== "bundle");
    this.#showLost(status.taken_back);
    if (this.#releases) this.#showOthers();
    const idle = !status.step;
    for (const made of document.querySelectorAll("#view-body .orders button, #view-body .orders input")) made.disabled = !idle;
    if (status.error && idle) setText(this.#alert, say("updateFailed", { detail: status.error.replace(/\.$/, "") }));
    else if (status.step) setText(this.#alert, "");
  }

  #progress(step) {
    setHidden(this.#doing, !step);
    if (!step) return;
    const words = say(`updateStep.${step.what}`, { version: step.version || say("updateUnnamed") });
    setText(this.#step, step.share_pct === null ? words : `${words} · ${percent(step.share_pct)}`);
    if (step.share_pct === null) this.#bar.removeAttribute("value");
    else Object.assign(this.#bar, { max: 100, value: step.share_pct });
  }

  #showInstalled(status) {
    const facts = [
      [say("installedAs"), say(`installedAs.${status.installed_as}`)],
      [say("lastCheck"), status.last_check ? momentOf(new Date(status.last_check * 1000)) : say("updateNever")],
    ];
    if (status.previous_version) facts.push([say("previousVersion"), status.previous_version]);
    const made = [create("h2", "", say("installed")), create("p", "medium", status.current_version)];
    const came = this.#cameFrom(status.current_version);
    if (came) made.push(create("p", "note", say("updatedFrom", { version: came })));
    if (status.trial) made.push(create("p", "warning", say("onTrial")));
    made.push(pairs(facts));
    if (this.#admin && status.previous_version) {
      const back = sureButton(say("rollback"), say("rollbackReally"), status.previous_version, () => this.#order("api/update/rollback"));
      const row = create("p", "orders buttons");
      row.append(back);
      made.push(row, create("p", "note", say("rollbackHint")));
    }
    fill(this.#installed, made, `${JSON.stringify(facts)} ${came} ${status.trial}`);
  }

  #cameFrom(version) {
    try {
      const [before, now] = JSON.parse(sessionStorage.getItem(CAME_FROM)) ?? [];
      return now === version ? before : null;
    } catch {
      return null;
    }
  }

  #showNewer(status) {
    const made = [create("h2", "", say("newer"))];
    const row = create("p", "orders buttons");
    setHidden(this.#newer, false);
    if (status.how_to_update) {
      const command = /^`([^`]+)`(.*)$/.exec(status.how_to_update);
      made.push(create("p", "note", say("updateElsewhere")), create("p", "command", status.how_to_update.replaceAll("`", "")));
      if (command) made.at(-1).replaceChildren(create("code", "", command[1]), command[2]);
    } else if (status.update_available) {
      made.push(create("p", "medium", status.latest_version), ...this.#whatIsNew(status.latest_version));
      if (this.#admin && !status.waits) {
        row.append(
          button(say("installNow"), () => this.#install(null, "now"), "start off"),
          button(say("installAtRest"), () => this.#install(null, "at_rest"), "start"),
        );
        made.push(create("p", "note", say("installHint")));
      }
    } else {
      made.push(create("p", "", say(status.last_check ? "updateNewest" : "updateNotChecked")));
    }
    if (status.waits) {
      made.push(create("p", "warning wait", say("updateWaits")));
      if (this.#admin) row.append(button(say("updateForget"), () => this.#forget()));
    }
    if (!status.how_to_update && this.#admin) row.append(button(say("checkNow"), () => this.#check()));
    if (row.children.length) made.push(row);
    if (!this.#admin) made.push(create("p", "note", say("updateNeedsOwner")));
    fill(this.#newer, made, JSON.stringify([status.latest_version, status.update_available, status.waits, status.last_check, this.#releases]));
  }

  #whatIsNew(version) {
    const release = this.#releases?.find((one) => bare(one.tag) === bare(version));
    return release?.body_html ? [create("h3", "", say("whatIsNew")), notes(release.body_html)] : [];
  }

  #showLost(taken) {
    setHidden(this.#lost, !taken.length);
    const list = create("ul", "lines");
    list.append(...taken.map((one) => {
      const line = create("li");
      line.append(create("b", "", one.version), create("span", "", one.why));
      return line;
    }).reverse());
    fill(this.#lost, [create("h2", "", say("takenBack")), create("p", "note", say("takenBackHint")), list], JSON.stringify(taken));
  }

  async #list() {
    this.#releases = [];
    try {
      this.#releases = await get("api/update/releases");
    } catch {
      return; // that nothing could be asked is told by the look for what is newest
    }
    if (!this.#closed && this.#status) this.#show(this.#status);
  }

  #showOthers() {
    const others = this.#releases.filter((one) => bare(one.tag) !== bare(this.#status.current_version)).slice(0, OTHERS);
    setHidden(this.#others, !others.length);
    const list = create("ul", "lines");
    list.append(...others.map((one) => this.#release(one)));
    fill(this.#others, [create("h2", "", say("allVersions")), list], JSON.stringify(others));
  }

  #release(one) {
    const line = create("li");
    const more = create("details");
    const about = [bare(one.tag), one.published_at && dateOf(new Date(one.published_at)), one.prerelease && say("prerelease")];
    more.append(create("summary", "", about.filter(Boolean).join(" · ")), one.body_html ? notes(one.body_html) : create("p", "note", say("noNotes")));
    line.append(more);
    if (this.#admin) {
      const buttons = create("span", "orders buttons");
      buttons.append(sureButton(say("updateInstall"), say("installReally"), bare(one.tag), () => this.#install(one.tag, "now")));
      line.append(buttons);
    }
    return line;
  }

  async #check() {
    await this.#order("api/update/check");
    if (!this.#releases?.length && !this.#status?.how_to_update) await this.#list();
  }

  #install(version, when) {
    return this.#order("api/update/apply", { version, when });
  }

  async #forget() {
    setText(this.#alert, "");
    try {
      await send("DELETE", "api/update/apply");
    } catch (error) {
      setText(this.#alert, this.#refused(error));
    }
    this.#look();
  }

  /** Send an order, and follow what it does; it is answered when all is done but the restart. */
  async #order(path, body) {
    setText(this.#alert, "");
    this.#ordered = true;
    const sent = send("POST", path, body, LONG_MS);
    this.#again(0);
    try {
      const { restarting } = await sent;
      this.#away = restarting === true;
    } catch (error) {
      if (error instanceof Refused) setText(this.#alert, this.#refused(error));
      else this.#away = true; // it may be on its way down
    } finally {
      this.#ordered = false;
      await this.#look();
    }
  }

  #refused(error) {
    return error instanceof Refused ? say("updateFailed", { detail: error.message.replace(/\.$/, "") }) : this.#frame.failed(error);
  }

  /** A bundle from a file, sent with its progress. */
  #upload() {
    const field = Object.assign(create("input"), { type: "file", accept: ".tar,application/x-tar" });
    const label = create("label", "tool grow");
    label.append(create("span", "", say("uploadFile")), field);
    const begin = button(say("uploadBegin"), () => this.#sendFile(field.files[0]));
    const row = create("div", "orders tools");
    row.append(label, begin);
    setHidden(begin, true);
    field.addEventListener("change", () => setHidden(begin, !field.files.length));
    this.#file.append(create("h2", "", say("fromFile")), create("p", "note", say("fromFileHint")), row);
  }

  async #sendFile(file) {
    setText(this.#alert, "");
    this.#ordered = true;
    clearTimeout(this.#timer);
    this.#asked += 1;
    try {
      await sendFile(file, (sent) => {
        if (sent < 1) this.#progress({ what: "receiving", version: bytes(file.size), share_pct: 100 * sent });
        else this.#look();
      });
      this.#away = true;
    } catch (error) {
      setText(this.#alert, this.#refused(error));
    } finally {
      this.#ordered = false;
      await this.#look();
    }
  }
}

/** `fetch` does not tell how much was sent. */
function sendFile(file, told) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("api/update/upload"));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Phaeton-Page", "1");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => told(event.loaded / event.total));
    request.addEventListener("error", () => failed(new TypeError("no answer")));
    request.addEventListener("load", () => {
      if (request.status < 300) done();
      else failed(new Refused(request.response?.detail ?? `${request.status}`, request.status));
    });
    request.send(file);
  });
}

const bare = (tag) => tag.replace(/^v/, "");

/** Put the parts into a card where something changed, so that what is being pressed or read stays. */
function fill(place, parts, sign) {
  if (place.dataset.shown === sign) return;
  place.dataset.shown = sign;
  place.replaceChildren(...parts);
}

export function open(place, rest, frame) {
  return new Updates(place, frame);
}
