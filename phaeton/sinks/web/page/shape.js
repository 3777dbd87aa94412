// What a setting is by the JSON Schema, and what changed between two documents of settings.

const HIDDEN = "***";
const TIME = /^\^\(+\[01\]\[0-9\]/;

/** The node itself where it is a reference, with what is said beside the reference. */
function resolved(schema, node) {
  if (!node.$ref) return node;
  const { $ref, ...beside } = node;
  return { ...schema.$defs[$ref.split("/").at(-1)], ...beside };
}

/**
 * What kind of field a node is: `group`, `secret`, `list`, `texts`, `numbers`, `choices`, `choice`, `switch`, `number`,
 * `time`, `text` or `json`, with what the schema says of it; `optional` where it may be unset.
 */
export function kindOf(schema, node) {
  const one = node.anyOf?.find((kind) => kind.type !== "null");
  const found = { ...resolved(schema, node), ...(one ? resolved(schema, one) : {}), fallback: node.default };
  if (node.description) found.description = node.description;
  found.optional = node.anyOf?.some((kind) => kind.type === "null") ?? false;
  found.unit = node["x-unit"];
  found.kind = kindName(schema, node, found);
  return found;
}

function kindName(schema, node, found) {
  if (node.$ref?.endsWith("/Secret")) return "secret";
  if (found.properties) return "group";
  if (found.type === "array") {
    if (found.prefixItems) return "numbers";
    const items = resolved(schema, found.items);
    if (items.properties) return "list";
    if (items.enum) return "choices";
    return items.type === "string" ? "texts" : "numbers";
  }
  if (found.enum) return "choice";
  if (found.type === "boolean") return "switch";
  if (found.type === "number" || found.type === "integer") return "number";
  if (found.type === "object") return "json";
  return TIME.test(found.pattern ?? "") ? "time" : "text";
}

export const itemOf = (schema, found) => resolved(schema, found.items);
export const isHidden = (value) => value === HIDDEN;
export const same = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** A document of which only says what it says: what is at its default is null. */
export function bare(schema, node, value) {
  const found = kindOf(schema, node);
  if (found.kind === "group" || found.kind === "secret") {
    return Object.fromEntries(Object.entries(found.properties).map(([name, below]) => [name, bare(schema, below, value?.[name])]));
  }
  if (found.kind === "list") return (value ?? []).map((item) => bare(schema, found.items, item));
  return same(value, found.fallback) ? null : value ?? null;
}

/** Without what is null, for lists that are sent whole. */
function said(value) {
  if (Array.isArray(value)) return value.map(said);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).map(([name, inner]) => [name, said(inner)]);
  return Object.fromEntries(kept.filter(([, inner]) => inner !== null && !(isPlain(inner) && !Object.keys(inner).length)));
}

const isPlain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The JSON merge patch from one document to another; empty where they are the same. */
export function difference(before, after) {
  const patch = {};
  for (const name of Object.keys(after)) {
    if (same(before[name], after[name])) continue;
    patch[name] = isPlain(after[name]) && isPlain(before[name]) ? difference(before[name], after[name]) : said(after[name]);
  }
  return patch;
}

/** A patch on a bare document. */
export function patched(document, patch) {
  const found = { ...document };
  for (const [name, value] of Object.entries(patch)) {
    found[name] = isPlain(value) && isPlain(document[name]) ? patched(document[name], value) : value;
  }
  return found;
}

/** How many settings a patch changes; a list counts once. */
export const countOf = (patch) => Object.values(patch).reduce((sum, value) => sum + (isPlain(value) ? Math.max(countOf(value), 1) : 1), 0);
