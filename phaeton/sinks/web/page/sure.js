// A button that asks once more before it does something; leaving it takes the question back.

import { button } from "./fields.js";
import { setAttribute, setText } from "./write.js";

/** `words` and then `really` are on it; `about` says what it is about to who cannot see where it stands. */
export function sureButton(words, really, about, pressed) {
  let sure = false;
  const ask = (asked) => {
    sure = asked;
    setText(made, asked ? really : words);
    made.classList.toggle("danger", asked);
    setAttribute(made, "aria-label", about ? `${asked ? really : words} ${about}` : null);
  };
  const made = button("", async () => {
    if (!sure) return ask(true);
    made.disabled = true;
    try {
      await pressed();
    } finally {
      made.disabled = false;
      ask(false);
    }
  });
  made.addEventListener("blur", () => { if (!made.disabled) ask(false); });
  ask(false);
  return made;
}
