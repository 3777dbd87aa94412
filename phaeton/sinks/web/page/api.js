// Requests to the daemon; the root is found from this file's own address, so any prefix of a proxy works.

import { refusalWords } from "./text.js";

const root = new URL("../../", import.meta.url);
const TIMEOUT_MS = 10000;

export const address = (path) => new URL(path, root).href;

/** What the daemon said no to. */
export class Refused extends Error {
  constructor(detail, status, field = null) {
    super(detail);
    this.status = status;
    this.field = field;
  }
}

async function answerOf(response) {
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => null);
  throw new Refused(problem?.detail ? refusalWords(problem) : `${response.status} ${response.statusText}`, response.status, problem?.field);
}

export async function get(path) {
  return answerOf(await fetch(address(path), { signal: AbortSignal.timeout(TIMEOUT_MS) }));
}

/** What is at a path, unless it is still as `tag` says: its value is null then. */
export async function getChanged(path, tag) {
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await fetch(address(path), { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status === 304) return { tag, value: null };
  return { tag: response.headers.get("ETag"), value: await answerOf(response) };
}

export async function send(method, path, body, within = TIMEOUT_MS, more = {}) {
  const headers = { "X-Phaeton-Page": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...more };
  const signal = AbortSignal.timeout(within);
  return answerOf(await fetch(address(path), { method, headers, body: body && JSON.stringify(body), signal }));
}

export const post = (path, body) => send("POST", path, body);
