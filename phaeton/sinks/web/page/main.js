// The frame: words in place, one view at a time by the address, its module loaded when it is opened first.

import { Refused, get } from "./api.js";
import { Door } from "./door.js";
import { Navigation } from "./navigation.js";
import { LANGUAGES, fillWords, language, learn, say, speak } from "./text.js";
import { create, find, setHidden, setText } from "./write.js";
import { setZone } from "./zone.js";

/**
 * The views in their order. `needs` is the scope of who may open it (a guest, unless said), `words` the catalogue in
 * `words/` that is loaded with it; `icon` is a path of strokes in 24 by 24. A view without one is not in the navigation.
 */
const VIEWS = {
  dashboard: { load: () => import("./dashboard.js"), title: "viewDashboard", icon: "M4 13a8 8 0 1 1 16 0M12 13l4-4M4 17.5h16" },
  planner: { load: () => import("./planner.js"), title: "viewPlanner", icon: "M4 6h16v14H4zM4 10.5h16M8.5 3.5V7M15.5 3.5V7M8 14.5h4M14 17h2", needs: "read", words: "planner" },
  sessions: { load: () => import("./sessions.js"), title: "viewSessions", icon: "M5 20v-6M12 20V5M19 20v-9M3 20h18" },
  whatif: { load: () => import("./whatif.js"), title: "viewWhatIf", icon: "M6 4v16M6 12c6 0 5-6 12-6M6 12c6 0 5 6 12 6M15 3l3 3-3 3M15 15l3 3-3 3", needs: "read", words: "whatif" },
  settings: { load: () => import("./settings.js"), title: "viewSettings", icon: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5", needs: "read", words: "settings" },
  diagnostics: { load: () => import("./diagnostics.js"), title: "viewDiagnostics", icon: "M3 12h4l3-7 4 14 3-7h4", needs: "read" },
  logs: { load: () => import("./logs.js"), title: "viewLogs", icon: "M5 6h14M5 10h14M5 14h9M5 18h11", needs: "read" },
  updates: { load: () => import("./updates.js"), title: "viewUpdates", icon: "M12 4v11M7.5 10.5 12 15l4.5-4.5M5 19.5h14", needs: "read", words: "updates" },
  access: { load: () => import("./access.js"), title: "viewAccess", icon: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3M12 14.5v2.5", needs: "admin", words: "access" },
  start: { load: () => import("./start.js"), title: "viewStart", needs: "admin", words: "start" },
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
  navigation.mark(name);
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

function told(words, retry) {
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
  if (name !== "dashboard") {
    if (!door.may(VIEWS[name].needs)) return told(say("needsLogin"));
    frame.status = await get("api/status").catch(() => null);
    setZone(frame.status?.site.timezone);
    if (mine !== ticket) return;
  }
  let module;
  try {
    [module] = await Promise.all([VIEWS[name].load(), learn(VIEWS[name].words)]);
  } catch {
    if (mine === ticket) told(say("unanswered"), true);
    return;
  }
  if (mine !== ticket) return;
  opened = { name, view: module.open(find("view-body"), rest, frame) };
}

const navigation = new Navigation(VIEWS);
navigation.allow((scope) => !scope);

const door = new Door(() => {
  if (opened?.view.again) opened.view.again();
  else show(false);
}, () => {
  navigation.allow((scope) => door.may(scope));
  if (!door.configured && door.may("admin") && wanted()[0] === "dashboard") location.replace("#/start");
  if (opened && VIEWS[opened.name].needs && !door.may(VIEWS[opened.name].needs)) {
    close();
    told(say("needsLogin"));
  }
});

/** What a view may ask of the frame. */
const frame = {
  /** The state when the view was opened; null where there is none. */
  status: null,
  may: () => door.look(),
  /** Whether who is here has a scope: read, control or admin. */
  has: (scope) => door.may(scope),
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
window.addEventListener("hashchange", (event) => {
  if (!opened?.view.stay?.(event)) show(true); // a view with unsaved changes may stay
});
show(false);
