// What saving will do, told before it is done.

import { button } from "./fields.js";
import { language, say } from "./text.js";
import { create, setAttribute } from "./write.js";

export class Review {
  dialog = create("dialog", "review");
  #body = create("div", "review-body");
  #save;

  /** `saving` is called when it is agreed. */
  constructor(saving) {
    const title = create("h2", "", say("reviewTitle"));
    title.id = "review-title";
    setAttribute(this.dialog, "aria-labelledby", "review-title");
    const row = create("p", "buttons");
    this.#save = button(say("save"), async () => {
      this.#save.disabled = true;
      await saving();
      this.#save.disabled = false;
    }, "start off");
    row.append(button(say("reviewBack"), () => this.close(), "start"), this.#save);
    this.dialog.append(title, this.#body, row);
  }

  ask(judged) {
    const parts = [];
    const list = (key, lines, className = "") => {
      if (!lines.length) return;
      const made = create("ul", `lines ${className}`.trim());
      made.lang = "en";
      made.append(...lines.map((line) => create("li", "", line)));
      parts.push(create("h3", "", say(key)), made);
    };
    list("reviewChanges", judged.changed, "changes");
    if (!judged.changed.length) parts.push(create("p", "", say("nothingChanges")));
    if (judged.effects.length) list("reviewEffects", judged.effects);
    else if (judged.changed.length) parts.push(create("p", "note", say("reviewNoEffects")));
    list("reviewNotices", judged.notices.map((one) => `${one.key}: ${one.text}`));
    list("reviewComments", judged.lost_comments, "changes");
    if (judged.lost_comments.length) parts.push(create("p", "note", say("reviewCommentsHint")));
    this.#body.replaceChildren(...parts);
    if (language === "en") for (const made of this.#body.querySelectorAll("[lang]")) made.removeAttribute("lang");
    this.dialog.showModal();
  }

  close() {
    this.dialog.close();
  }
}
