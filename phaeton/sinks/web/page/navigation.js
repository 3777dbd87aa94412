// The way between the views: what fits stands in a row, or at the bottom of a phone, the rest in a menu.

import { say } from "./text.js";
import { create, find, setAttribute, setHidden } from "./write.js";

const PHONE = matchMedia("(max-width: 719px)");
const TABS = 5; // places at the bottom of a phone
const SVG = "http://www.w3.org/2000/svg";
const DOTS = "M5 12h.01M12 12h.01M19 12h.01";

function icon(strokes) {
  const made = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  path.setAttribute("d", strokes);
  made.append(path);
  return made;
}

function linkTo(name, view) {
  const link = create("a");
  link.href = `#/${name}`;
  link.dataset.view = name;
  link.append(icon(view.icon), create("span", "", say(view.title)));
  return link;
}

export class Navigation {
  #views;
  #nav = find("views");
  #links;
  #rest = create("div", "rest"); // the button, and the menu that it opens
  #more = create("button");
  #menu = create("div", "menu");

  constructor(views) {
    this.#views = views;
    this.#links = Object.entries(views).filter(([, view]) => view.icon).map(([name, view]) => linkTo(name, view));
    this.#more.type = "button";
    this.#more.append(icon(DOTS), create("span", "", say("moreViews")));
    this.#menu.id = "more-views";
    setAttribute(this.#more, "aria-controls", this.#menu.id);
    this.#rest.append(this.#more, this.#menu);
    this.#nav.append(...this.#links, this.#rest);
    this.#open(false);
    this.#more.addEventListener("click", () => this.#open(this.#menu.hidden));
    this.#menu.addEventListener("click", (event) => {
      if (event.target.closest("a")) this.#open(false);
    });
    this.#nav.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#menu.hidden) return;
      this.#open(false);
      this.#more.focus();
    });
    for (const way of ["pointerdown", "focusin"]) {
      document.addEventListener(way, (event) => {
        if (!this.#rest.contains(event.target)) this.#open(false);
      });
    }
    new ResizeObserver(() => this.#arrange()).observe(this.#nav);
  }

  /** Show the views that somebody with these rights may open. */
  allow(may) {
    for (const link of this.#links) setHidden(link, !may(this.#views[link.dataset.view].needs));
    this.#arrange();
  }

  mark(name) {
    for (const link of this.#links) setAttribute(link, "aria-current", link.dataset.view === name ? "page" : null);
    this.#tell();
  }

  #open(open) {
    setHidden(this.#menu, !open);
    setAttribute(this.#more, "aria-expanded", String(open));
  }

  /** The button looks like the view that its menu holds. */
  #tell() {
    this.#more.classList.toggle("current", this.#menu.querySelector("[aria-current]") !== null);
  }

  /** Put into the menu what does not fit: the icons of a wide page go before its last views do. */
  #arrange() {
    const focused = document.activeElement;
    for (const link of [...this.#menu.children]) this.#nav.insertBefore(link, this.#rest);
    this.#nav.classList.remove("bare");
    setHidden(this.#rest, true);
    const shown = this.#links.filter((link) => !link.hidden);
    if (PHONE.matches) {
      if (shown.length > TABS) this.#keep(shown.slice(0, TABS - 1));
    } else if (!this.#fits(shown.at(-1))) {
      this.#nav.classList.add("bare");
      for (let count = shown.length; count > 1 && !this.#fits(this.#rest.hidden ? shown.at(-1) : this.#rest); ) {
        this.#keep(shown.slice(0, --count));
      }
    }
    if (this.#rest.hidden) this.#open(false);
    this.#tell();
    if (focused !== document.activeElement && this.#nav.contains(focused)) focused.focus();
  }

  #keep(kept) {
    setHidden(this.#rest, false);
    this.#menu.replaceChildren(...this.#links.slice(this.#links.indexOf(kept.at(-1)) + 1));
  }

  #fits(last) {
    return !last || last.getBoundingClientRect().right <= this.#nav.getBoundingClientRect().right + 0.5;
  }
}
