// The words of the page in the language of who looks: chosen here or by the browser, one catalogue for each.

export const LANGUAGES = { en: "English", nl: "Nederlands", de: "Deutsch" };
const REGIONS = { en: "en-GB", nl: "nl-NL", de: "de-DE" };
const KEPT = "phaeton-language";

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // the browser keeps nothing
  }
}

const short = (tag) => tag.toLowerCase().split("-")[0];

function choose() {
  const found = [kept(), ...navigator.languages].find((tag) => tag && short(tag) in LANGUAGES);
  return found ? short(found) : "en";
}

export const language = choose();

/** The browser's own region of the language, as its numbers and dates differ. */
export const locale = navigator.languages.find((tag) => tag.includes("-") && short(tag) === language) ?? REGIONS[language];

const daemons = (what, none = {}) => (language === "en" ? { default: none } : import(`./words/${what}_${language}.js`)); // it speaks English
const [{ default: words }, { default: reasons }, { default: refusals }, { default: told }] = await Promise.all([
  import(`./words/${language}.js`),
  daemons("reasons"),
  daemons("refusals"),
  daemons("told", []),
]);
const plurals = new Intl.PluralRules(locale);

/** Put the parameters into a sentence. */
export const put = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** The words of a key; where there are forms, `n` chooses. */
export function say(key, values = {}) {
  const found = words[key];
  const sentence = typeof found === "string" ? found : found[plurals.select(values.n)] ?? found.other;
  return put(sentence, values);
}

/** Have the words of a view too: of its catalogue, `words/<catalogue>_<language>.js`. */
export async function learn(catalogue) {
  if (catalogue) Object.assign(words, (await import(`./words/${catalogue}_${language}.js`)).default);
}

export const known = (key) => key in words;

/** How a reason is said in this language: [plain, full, left]; undefined in English, which the daemon speaks itself. */
export const reasonWords = (why) => reasons[why];

/** What the daemon refuses, in this language where it is known; in English by its own words. */
export const refusalWords = ({ code, values, detail }) => (code in refusals ? put(refusals[code], values) : detail);

/** What the daemon tells of its connections, in this language where it is known. A part behind an address is told by itself. */
export function toldWords(text) {
  const [pattern, sentence] = told.find(([one]) => one.test(text)) ?? [];
  if (pattern) return text.replace(pattern, sentence);
  const [, where, rest] = /^(\S+:\d+): (.+)$/.exec(text) ?? [];
  return rest ? `${where}: ${toldWords(rest)}` : text;
}

/** A word of the daemon as a sentence. */
export const sentence = (said) => `${said[0].toUpperCase()}${said.slice(1)}.`;

/** Another language, from now on; the page begins anew with it, at the same address. */
export function speak(other) {
  try {
    localStorage.setItem(KEPT, other);
  } catch {
    return; // it could not be remembered, and so would not be there after the reload
  }
  location.reload();
}

/** Fill in what the markup names by key. */
export function fillWords(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
}
