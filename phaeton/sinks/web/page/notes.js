// The notes of a release: what the daemon made of them, taken over tag by tag, so that nothing in them can run.

import { create } from "./write.js";

const KEPT = new Set(["H3", "H4", "H5", "H6", "P", "UL", "LI", "STRONG", "CODE"]);

function copied(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.textContent);
    else if (node.nodeType === Node.ELEMENT_NODE) {
      const made = KEPT.has(node.tagName) ? create(node.tagName.toLowerCase()) : to;
      copied(node, made);
      if (made !== to) to.append(made);
    }
  }
}

/** The notes as elements; `html` is parsed in a document of its own, where nothing is loaded or run. */
export function notes(html) {
  const made = create("div", "notes");
  copied(new DOMParser().parseFromString(html, "text/html").body, made);
  return made;
}
