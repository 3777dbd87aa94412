// The live stream of snapshots: connects, comes back by itself, and says when nothing arrives.

const QUIET_MS = 8000; // the daemon decides each second; longer silence is worth telling
const RETRY_MS = 2000;
const HIDDEN_MS = 30000; // a page that nobody looks at is not fed

/**
 * Follow `url`; `onStatus(snapshot)` for each, `onState({live, quiet, last})` when that changes. `may()` is asked
 * before each beginning, because a stream that is refused does not say why. Returns `open()`, to begin anew,
 * and `end()`.
 */
export function follow(url, onStatus, onState, may) {
  let source = null;
  let last = null;
  let connected = false;
  let retryTimer = 0;
  let quietTimer = 0;
  let hiddenTimer = 0;
  let attempts = 0;
  let lostSince = false;
  let told = "";

  function tell(quiet) {
    const state = { live: connected, quiet, last };
    const key = `${connected} ${quiet} ${connected && !quiet ? "" : last}`;
    if (key !== told) {
      told = key;
      onState(state);
    }
  }

  function heard(event) {
    connected = true;
    last = Date.now();
    if (lostSince) may(); // rights may have changed meanwhile
    lostSince = false;
    clearTimeout(quietTimer);
    quietTimer = setTimeout(() => tell(true), QUIET_MS);
    tell(false);
    onStatus(JSON.parse(event.data));
  }

  function lost() {
    connected = false;
    lostSince = true;
    clearTimeout(quietTimer);
    tell(false);
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(retryTimer);
      retryTimer = setTimeout(open, RETRY_MS);
    }
  }

  async function open() {
    clearTimeout(retryTimer);
    const attempt = ++attempts;
    const allowed = await may();
    if (attempt !== attempts) return;
    if (!allowed) return close();
    source?.close();
    source = new EventSource(url);
    source.addEventListener("status", heard);
    source.addEventListener("error", lost);
  }

  function close() {
    attempts += 1;
    clearTimeout(retryTimer);
    clearTimeout(quietTimer);
    source?.close();
    source = null;
    connected = false;
    tell(false);
  }

  function seen() {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(close, HIDDEN_MS);
    else if (!source) open();
  }

  function end() {
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("online", open);
    clearTimeout(hiddenTimer);
    close();
  }

  document.addEventListener("visibilitychange", seen);
  window.addEventListener("online", open);
  open();
  return { open, end };
}
