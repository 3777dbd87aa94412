// What the charger was told: asked, accepted, applied; for how long it holds, and what happens without Phaeton.

import { amps, span } from "./format.js";
import { say } from "./text.js";
import { find, setHidden, setText } from "./write.js";

const SAME_A = 0.15;

function value(id, current, asked) {
  const element = find(id);
  setText(element, current === null ? say("unknown") : say("amps", { a: amps(current) }));
  element.classList.toggle("off", current !== null && asked !== null && Math.abs(current - asked) > SAME_A);
}

export function showSetpoint(lease, reachable) {
  const held = reachable && lease !== null && lease.remaining_s !== null && lease.remaining_s > 0;
  const lasts = lease?.validity_s ?? null;
  value("asked", lease?.asked_a ?? null, null);
  value("accepted", reachable ? (lease?.accepted_a ?? null) : null, lease?.asked_a ?? null);
  value("applied", reachable ? (lease?.applied_a ?? null) : null, null);
  const bar = find("lease-bar");
  bar.style.transform = `scaleX(${held && lasts ? Math.min(lease.remaining_s / lasts, 1).toFixed(3) : 0})`;
  setHidden(bar.parentElement, !held || !lasts);
  let words = say("leaseNone");
  if (lease !== null && !reachable) words = say("leaseUnknown");
  else if (held) words = say("leaseLeft", { left: span(lease.remaining_s), of: span(lasts) });
  else if (lease !== null && lease.remaining_s !== null) words = say("leaseGone");
  setText(find("lease"), reachable && lease !== null && lease.remaining_s === null ? "" : words);
  const safe = lease?.safe_a ?? null;
  setText(find("safe"), safe === null ? "" : safe > 0 ? say("safe", { a: amps(safe) }) : say("safeZero"));
  const foreign = lease?.foreign_a ?? null;
  setText(find("foreign"), foreign === null ? (lease ? say("alone") : "") : say("foreign", { a: amps(foreign), n: lease.foreign_count }));
  find("foreign").classList.toggle("bad", foreign !== null);
}
