// The recordings of days, and the file for a report of an error.

import { address, get, send } from "./api.js";
import { card, fileLink } from "./fields.js";
import { bytes, dateOf } from "./format.js";
import { sureButton } from "./sure.js";
import { say } from "./text.js";
import { create, setText } from "./write.js";

export class Recordings {
  #frame;
  #card = card("recordings");
  #list = create("ul", "lines");
  #note = create("p", "note");

  constructor(frame) {
    this.#frame = frame;
    this.#note.setAttribute("role", "status");
    this.#card.append(this.#list, this.#note);
    this.cards = [this.#card, ...(frame.has("admin") ? [this.#support()] : [])];
    this.#load();
  }

  #support() {
    const made = card("support");
    const label = create("label", "check");
    const box = Object.assign(create("input"), { type: "checkbox", checked: true });
    label.append(box, create("span", "", say("supportRecording")));
    const link = fileLink(say("supportDownload"), address("api/support-bundle?recording=day"));
    box.addEventListener("change", () => { link.href = address(`api/support-bundle?recording=${box.checked ? "day" : "none"}`); });
    made.append(create("p", "note", say("supportText")), label, link);
    return made;
  }

  async #load() {
    try {
      const { enabled, recordings } = await get("api/recordings");
      this.#list.replaceChildren(...[...recordings].reverse().map((one) => this.#row(one)));
      setText(this.#note, [recordings.length ? "" : say("recordingsNone"), enabled ? "" : say("recordingsOff")].filter(Boolean).join(" "));
    } catch (error) {
      setText(this.#note, this.#frame.failed(error));
    }
  }

  #row(one) {
    const row = create("li");
    const day = dateOf(new Date(`${one.day}T12:00:00Z`));
    const name = create("span", "", [day, bytes(one.bytes), one.present ? say("recordingNow") : ""].filter(Boolean).join(" · "));
    const buttons = create("span", "buttons");
    const path = `api/recordings/${encodeURIComponent(one.name)}`;
    const file = fileLink(say("download"), address(path));
    file.setAttribute("aria-label", `${say("download")}: ${day}`);
    buttons.append(file);
    if (this.#frame.has("admin") && !one.present) buttons.append(this.#remover(path, day));
    row.append(name, buttons);
    return row;
  }

  #remover(path, day) {
    return sureButton(say("remove"), say("removeReally"), day, async () => {
      try {
        await send("DELETE", path);
        await this.#load();
      } catch (error) {
        setText(this.#note, this.#frame.failed(error));
      }
    });
  }
}
