// Settings by their keys, such as `chargers[0].limits.min_set_current_a`: found, described, and put into a merge patch.

const steps = (key) => key.replaceAll("[", ".").replaceAll("]", "").split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));

export const valueAt = (document, key) => steps(key).reduce((found, step) => found?.[step], document);

function put(patch, base, [step, ...rest], value) {
  if (!rest.length) {
    patch[step] = value;
    return;
  }
  patch[step] ??= Array.isArray(base[step]) ? structuredClone(base[step]) : {};
  put(patch[step], base[step], rest, value);
}

/** The JSON merge patch of some `[key, value]` on top of a document; lists are taken whole. */
export function patchOf(document, changes) {
  const patch = {};
  for (const [key, value] of changes) put(patch, document, steps(key), value);
  return patch;
}

function resolved(schema, node) {
  return node?.$ref ? schema.$defs[node.$ref.split("/").at(-1)] : node;
}

/** What the schema says of a key: `description`, `type` or `enum`, bounds; `nullable` where it may be empty. */
export function described(schema, key) {
  let node = resolved(schema, schema);
  for (const step of steps(key)) node = resolved(schema, typeof step === "number" ? node?.items : node?.properties?.[step]);
  if (!node) return {};
  const one = node.anyOf?.find((kind) => kind.type !== "null");
  return one ? { ...resolved(schema, one), description: node.description, nullable: node.anyOf.some((kind) => kind.type === "null") } : node;
}

/** All keys below some sections of a document with a value that is no section; what holds secrets is left out. */
export function keysOf(document, sections) {
  const found = [];
  const walk = (value, key) => {
    if (value === "***") return;
    if (Array.isArray(value) && value.some((one) => typeof one === "object")) value.forEach((one, index) => walk(one, `${key}[${index}]`));
    else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) walk(inner, `${key}.${name}`);
    } else found.push(key);
  };
  for (const section of sections) if (section in document) walk(document[section], section);
  return found;
}
