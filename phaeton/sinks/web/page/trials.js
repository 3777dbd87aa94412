// Settings tried out before they are saved: a charger, the GX, the source of prices, a car.

import { Refused, send } from "./api.js";
import { button } from "./fields.js";
import { language, say } from "./text.js";
import { create, setText } from "./write.js";

const WITHIN_MS = 60e3;
const TRIALS = {
  chargers: ["charger", "tryCharger"],
  site: ["bus", "tryBus"],
  prices: ["prices", "tryPrices"],
  vehicles: ["vehicle", "tryVehicle"],
};

/** The button of a path such as `prices` or `chargers[0]`; null where there is nothing to try. */
export function trialOf(path, patch, frame, wrong) {
  const [, section, index] = /^(\w+)(?:\[(\d+)\])?$/.exec(path) ?? [];
  const listed = section === "chargers" || section === "vehicles";
  if (!(section in TRIALS) || listed !== (index !== undefined)) return null;
  const [what, words] = TRIALS[section];
  const made = create("div", "trial");
  const result = create("div", "trial-result");
  result.setAttribute("role", "status");
  const press = button(say(words), async () => {
    press.disabled = true;
    result.replaceChildren(create("p", "note", say("trying")));
    try {
      const body = { patch: patch(), ...(listed ? { index: Number(index) } : {}) };
      const found = await send("POST", `api/test/${what}`, body, WITHIN_MS);
      if (found.mistakes.length) {
        result.replaceChildren();
        wrong(found.mistakes);
      } else result.replaceChildren(...told(found));
    } catch (error) {
      result.replaceChildren(create("p", "refusal", error instanceof Refused ? error.message : frame.failed(error)));
    }
    press.disabled = false;
  });
  made.append(press, result);
  return made;
}

function told(found) {
  const head = create("p", found.ok ? "good" : "bad");
  setText(head, say(found.ok ? "tryGood" : "tryBad"));
  const list = create("ul", "trial-lines");
  if (language !== "en") list.lang = "en";
  const lines = [...found.problems.map((one) => ["bad", one]), ...found.facts.map((one) => ["", one]), ...found.hints.map((one) => ["hint", one])];
  list.append(...lines.map(([className, one]) => create("li", className, one)));
  return [head, list];
}
