// One field for each kind of setting: reads a value and tells a new one; null = unset, so that the default counts.

import { button } from "./fields.js";
import { isHidden } from "./shape.js";
import { known, say } from "./text.js";
import { create, setAttribute, setHidden, setText } from "./write.js";

const wordOf = (value) => (known(`choice.${value}`) ? say(`choice.${value}`) : String(value).replaceAll("_", " "));

/** What is used where nothing is set, as words. */
function fallbackWords(found) {
  const { fallback } = found;
  if (fallback === null || fallback === undefined || fallback === "") return found.optional ? say("notSet") : "";
  return Array.isArray(fallback) ? fallback.join(", ") : String(fallback);
}

const input = (type, found, value) =>
  Object.assign(create("input"), { type, value: value ?? "", placeholder: fallbackWords(found), autocomplete: "off", spellcheck: false });

function text(found, value, told) {
  const field = input("text", found, value);
  if (found.maxLength) field.maxLength = found.maxLength;
  field.addEventListener("input", () => told(field.value === "" ? null : field.value));
  return field;
}

function time(found, value, told) {
  const field = text(found, value, told);
  Object.assign(field, { maxLength: 5, inputMode: "numeric", className: "short", placeholder: found.fallback ?? say("timeForm") });
  return field;
}

function number(found, value, told) {
  const field = input("number", found, value);
  Object.assign(field, { step: found.type === "integer" ? "1" : "any", className: "short" });
  if (found.minimum !== undefined) field.min = found.minimum;
  if (found.maximum !== undefined) field.max = found.maximum;
  field.addEventListener("input", () => {
    if (field.validity.badInput) told("?"); // the daemon says what is wrong with it
    else told(field.value === "" ? null : field.valueAsNumber);
  });
  return field;
}

function switched(found, value, told) {
  const field = Object.assign(create("input"), { type: "checkbox", checked: value ?? found.fallback ?? false });
  field.addEventListener("change", () => told(field.checked === found.fallback ? null : field.checked));
  return field;
}

function choice(found, value, told) {
  const field = create("select");
  if (found.optional) field.append(new Option(say("notSet"), ""));
  for (const one of found.enum) {
    const words = wordOf(one);
    field.append(new Option(one === found.fallback ? say("usualChoice", { value: words }) : words, String(one)));
  }
  field.value = String(value ?? found.fallback ?? "");
  field.addEventListener("change", () => {
    const chosen = found.enum.find((one) => String(one) === field.value) ?? null;
    told(chosen === found.fallback ? null : chosen);
  });
  return field;
}

function choices(found, value, told, options) {
  const box = create("div", "ticks");
  const chosen = new Set(value ?? found.fallback ?? []);
  for (const one of options) {
    const tick = Object.assign(create("input"), { type: "checkbox", checked: chosen.has(one) });
    const label = create("label");
    label.append(tick, wordOf(one));
    tick.addEventListener("change", () => {
      if (tick.checked) chosen.add(one);
      else chosen.delete(one);
      told(options.filter((other) => chosen.has(other)));
    });
    box.append(label);
  }
  return box;
}

/** Several texts or numbers, separated by commas. */
function several(found, value, told, read) {
  const field = input("text", found, value?.join(", "));
  if (!field.placeholder) field.placeholder = say("separated");
  field.addEventListener("input", () => {
    const parts = field.value.split(",").map((part) => part.trim()).filter(Boolean);
    told(parts.length ? parts.map(read) : null);
  });
  return field;
}

function json(found, value, told) {
  const field = Object.assign(create("textarea"), { rows: 3, spellcheck: false, value: value ? JSON.stringify(value, null, 2) : "" });
  field.placeholder = "{}";
  field.addEventListener("input", () => {
    if (!field.value.trim()) return told(null);
    try {
      told(JSON.parse(field.value));
    } catch {
      told(field.value); // the daemon says what is wrong with it
    }
  });
  return field;
}

/** A secret never comes back from the daemon: it stays where nothing is typed. */
function secret(found, value, told) {
  const box = create("div", "secret");
  const kept = isHidden(value);
  const field = input("password", found, "");
  field.autocomplete = "new-password";
  const clear = button(say("secretClear"), () => {
    const cleared = clear.getAttribute("aria-pressed") !== "true";
    setAttribute(clear, "aria-pressed", cleared);
    setText(clear, say(cleared ? "secretCleared" : "secretClear"));
    field.disabled = cleared;
    field.value = "";
    told(cleared ? null : value);
  });
  setAttribute(clear, "aria-pressed", "false");
  setHidden(clear, !kept);
  field.placeholder = say(kept ? "secretKept" : "notSet");
  field.addEventListener("input", () => told(field.value === "" ? value : field.value));
  box.append(field, clear);
  return box;
}

const KINDS = { text, time, number, switch: switched, choice, json, secret };
const numberOf = (part) => (Number.isFinite(Number(part)) ? Number(part) : part);

/** The field of a setting. `told` is called with each new value. */
export function fieldOf(found, value, told, items) {
  if (found.kind === "choices") {
    const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const options = items.enum.includes("mon") ? days : items.enum;
    return choices(found, value, told, options);
  }
  if (found.kind === "texts") return several(found, value, told, (part) => part);
  if (found.kind === "numbers") return several(found, value, told, numberOf);
  return KINDS[found.kind](found, value, told);
}

/** Words of a field's range, such as 0 to 100; empty where there is none. */
export function rangeOf(found) {
  const least = found.minimum ?? found.exclusiveMinimum;
  const most = found.maximum ?? found.exclusiveMaximum;
  if (least !== undefined && most !== undefined) return say("rangeBetween", { least, most });
  return least === undefined ? "" : say("rangeFrom", { least });
}
