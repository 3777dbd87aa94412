// The site's clock: the zone that the daemon tells, and times on it. A field's time is the site's, wherever one looks.

let zone; // undefined = the browser's own, until the daemon tells

const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
let clock = wallClock();
const changed = new Set();

function wallClock() {
  return new Intl.DateTimeFormat("en-GB", { ...parts, hourCycle: "h23", timeZone: zone });
}

/** Take the site's zone over; a name that the browser does not know changes nothing. */
export function setZone(name) {
  if (!name || name === zone) return;
  const before = zone;
  try {
    zone = name;
    clock = wallClock();
  } catch {
    zone = before;
    return;
  }
  changed.forEach((tell) => tell());
}

export const siteZone = () => zone;

/** Have `tell()` called when the zone is another. */
export const onZone = (tell) => changed.add(tell);

/** What the site's clock shows at an instant. */
export function wall(date) {
  const found = Object.fromEntries(clock.formatToParts(date).map(({ type, value }) => [type, value]));
  return { day: `${found.year}-${found.month}-${found.day}`, hour: Number(found.hour), time: `${found.hour}:${found.minute}` };
}

/** An instant as a date and time field wants it. */
export function fieldTime(date) {
  const { day, time } = wall(date);
  return `${day}T${time}`;
}

/** The instant of a date and time field; of the hour that a clock lacks in spring, the one after. */
export function instantOf(field) {
  const meant = Date.parse(`${field}Z`);
  let instant = meant;
  for (let turn = 0; turn < 2; turn += 1) instant += meant - Date.parse(`${fieldTime(new Date(instant))}Z`);
  return new Date(instant);
}
