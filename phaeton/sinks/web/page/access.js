// Who may use the page: the password, guests, tokens of programs, who is logged in, and who changed what.

import { Audit } from "./audit.js";
import { Guests } from "./guests.js";
import { Logins } from "./logins.js";
import { Password } from "./password.js";
import { Tokens } from "./tokens.js";
import { create } from "./write.js";

export function open(place, rest, frame) {
  const logins = new Logins(frame);
  const password = new Password(() => logins.load());
  const audit = new Audit(frame);
  const cards = create("div", "stackcards two");
  cards.append(password.card, new Guests(frame).card, new Tokens(frame).card, logins.card, audit.card);
  place.append(cards);
  return { close() {} };
}
