// The frame: words in place, one view at a time by the address, its module loaded when it is opened first.

import { Refused, get } from "./api.js";
import { Door } from "./door.js";
import { LANGUAGES, fillWords, language, say, speak } from "./text.js";
import { create, find, setAttribute, setHidden, setText } from "./write.js";
import { setZone } from "./zone.js";

const VIEWS = {
  dashboard: { load: () => import("./dashboard.js"), title: "viewDashboard" },
  sessions: { load: () => import("./sessions.js"), title: "viewSessions" },
  diagnostics: { load: () => import("./diagnostics.js"), title: "viewDiagnostics", reads: true },
  logs: { load: () => import("./logs.js"), title: "viewLogs", reads: true },
};

let opened = null; // { name, view }
let ticket = 0;

/** The view that the address names, and what follows; an address without a slash is that of a charging point. */
function wanted() {
  const hash = location.hash.slice(1);
  if (!hash.startsWith("/")) return ["dashboard", hash ? [decodeURIComponent(hash)] : []];
  const [name, ...rest] = hash.slice(1).split("/").map(decodeURIComponent);
  return name in VIEWS ? [name, rest] : ["dashboard", []];
}

const headingOf = (name) => (name === "dashboard" ? find("state") : find("view-title"));

function mark(name) {
  for (const link of document.querySelectorAll("#views a")) setAttribute(link, "aria-current", link.dataset.view === name ? "page" : null);
  setHidden(find("dashboard"), name !== "dashboard");
  setHidden(find("view"), name === "dashboard");
  document.body.dataset.view = name;
  if (name === "dashboard") return;
  setText(find("view-title"), say(VIEWS[name].title));
  setText(document.head.querySelector("title"), `${say(VIEWS[name].title)} · ${say("title")}`);
  document.body.classList.remove("loading");
}

function close() {
  opened?.view.close();
  opened = null;
  find("view-body").replaceChildren();
}

function told(name, words, retry) {
  const note = create("p", "note", words);
  const again = create("button", "quiet", say("again"));
  again.type = "button";
  again.addEventListener("click", () => show(false));
  find("view-body").replaceChildren(note, ...(retry ? [again] : []));
}

/** Show the view of the address; `moved` when somebody went there, so that the focus goes along. */
async function show(moved) {
  const [name, rest] = wanted();
  const mine = ++ticket;
  if (opened?.name === name) {
    if (!opened.view.go) return;
    opened.view.go(rest);
    if (moved && name !== "dashboard") headingOf(name).focus();
    return;
  }
  close();
  mark(name);
  if (moved) {
    scrollTo(0, 0);
    headingOf(name).focus();
  }
  if (name !== "dashboard" && !(await door.look())) return;
  if (mine !== ticket) return;
  if (VIEWS[name].reads && !door.reads) return told(name, say("needsLogin"));
  if (name !== "dashboard") {
    frame.status = await get("api/status").catch(() => null);
    setZone(frame.status?.site.timezone);
    if (mine !== ticket) return;
  }
  let module;
  try {
    module = await VIEWS[name].load();
  } catch {
    if (mine === ticket) told(name, say("unanswered"), true);
    return;
  }
  if (mine !== ticket) return;
  opened = { name, view: module.open(find("view-body"), rest, frame) };
}

const door = new Door(() => {
  if (opened?.view.again) opened.view.again();
  else show(false);
}, (reads) => {
  for (const link of document.querySelectorAll("#views .reads")) setHidden(link, !reads);
  if (!reads && opened && VIEWS[opened.name].reads) {
    const { name } = opened;
    close();
    told(name, say("needsLogin"));
  }
});

/** What a view may ask of the frame. */
const frame = {
  /** The state when the view was opened; null where there is none. */
  status: null,
  may: () => door.look(),
  admin: () => door.admin,
  title: (words) => setText(find("view-title"), words),
  /** Words for what could not be had; somebody who may not any more is shown the door. */
  failed(error) {
    if (error instanceof Refused) {
      if (error.status === 401 || error.status === 403) door.look();
      return say("failed", { detail: error.message.replace(/\.$/, "") });
    }
    return say("unanswered");
  },
};

document.documentElement.lang = language;
fillWords(document);
for (const [code, name] of Object.entries(LANGUAGES)) {
  const option = new Option(name, code, code === language, code === language);
  option.lang = code;
  find("language").append(option);
}
find("language").addEventListener("change", (event) => speak(event.target.value));
find("skip").addEventListener("click", (event) => {
  event.preventDefault();
  headingOf(wanted()[0]).focus();
});
window.addEventListener("hashchange", () => show(true));
show(false);
