import { anchorOf, code, number, table } from "./markdown.ts";
import { type JsonSchema, referenced } from "./schemas.ts";

/** The fields of a schema as a table: name, type, required, bounds, unit, default, meaning. */

export interface Linked {
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  /** The page of a definition, as seen from the page that is written. */
  readonly pageOf: (id: string) => string;
}

const head = ["field", "type", "required", "bounds", "unit", "default", "meaning"];

export function fieldTable(schema: JsonSchema, linked: Linked): string {
  return table(head, fieldRows(schema, "", linked));
}

function fieldRows(schema: JsonSchema, path: string, linked: Linked): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const required = schema.required?.includes(name) ?? false;
    return rowsOf(field, path === "" ? name : `${path}.${name}`, required ? "yes" : "no", linked);
  });
}

function rowsOf(field: JsonSchema, path: string, required: string, linked: Linked): string[][] {
  const id = referenced(field);
  const named = id === undefined ? undefined : linked.definitions[id];
  const meaning = field.description ?? firstSentence(named?.description) ?? (field.const === undefined ? "" : "Always this");
  if (meaning === "") throw new Error(`${path} has no meaning: describe it where its schema is`);
  const fallback = field.default === undefined ? "" : code(JSON.stringify(field.default));
  const row = [
    code(path),
    typeOf(field, linked),
    required,
    boundsOf(field),
    String(field["x-unit"] ?? named?.["x-unit"] ?? ""),
    fallback,
    meaning,
  ];
  return [row, ...childRows(field, path, linked)];
}

/** A type that is told of at length has its own section for that. */
function firstSentence(text: string | undefined): string | undefined {
  return text?.split(/\. (?=[A-Z`])/, 1)[0];
}

/** Fields of objects that have no name of their own. */
function childRows(field: JsonSchema, path: string, linked: Linked): string[][] {
  if (referenced(field) !== undefined) return [];
  const { items, additionalProperties: values } = field;
  if (items !== undefined) return childRows(items, `${path}[]`, linked);
  if (typeof values === "object") return childRows(values, `${path}.*`, linked);
  return fieldRows(field, path, linked);
}

/** A type in words; types that have a name are links. */
export function typeOf(schema: JsonSchema, linked: Linked): string {
  const id = referenced(schema);
  if (id !== undefined) {
    const title = linked.definitions[id]?.title ?? id;
    return `[${title.toLowerCase()}](${linked.pageOf(id)}#${anchorOf(title)})`;
  }
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((value) => code(JSON.stringify(value))).join(", ");
  const variants = schema.oneOf ?? (schema.type === undefined ? schema.anyOf : undefined);
  if (variants !== undefined) return variants.map((variant) => variantOf(variant, linked)).join(" or ");
  if (schema.type === "array") return `array of ${typeOf(schema.items ?? {}, linked)}`;
  if (typeof schema.additionalProperties === "object") return `map of ${typeOf(schema.additionalProperties, linked)}`;
  return schema.type ?? "any";
}

/** A small object is shown as it is written: `{"first": integer}`. */
function variantOf(schema: JsonSchema, linked: Linked): string {
  if (schema.properties === undefined) return typeOf(schema, linked);
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const bounds = boundsOf(field);
    return `"${name}": ${typeOf(field, linked)}${bounds === "" ? "" : ` ${bounds}`}`;
  });
  return code(`{${fields.join(", ")}}`);
}

export function boundsOf(schema: JsonSchema): string {
  const each = schema.items === undefined || referenced(schema.items) !== undefined ? "" : boundsOf(schema.items);
  const parts = [
    range(bound(schema, "minimum"), bound(schema, "maximum"), ""),
    open(">", bound(schema, "exclusiveMinimum")),
    open("<", bound(schema, "exclusiveMaximum")),
    range(bound(schema, "minLength"), bound(schema, "maxLength"), " characters"),
    range(bound(schema, "minItems"), bound(schema, "maxItems"), " items"),
    range(bound(schema, "minProperties"), bound(schema, "maxProperties"), " entries"),
    typeof schema["pattern"] === "string" ? code(schema["pattern"]) : "",
    each === "" ? "" : `each ${each}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** The largest integers say no more than "an integer". */
function bound(schema: JsonSchema, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
}

function open(sign: string, value: number | undefined): string {
  return value === undefined ? "" : `${sign} ${number(value)}`;
}

function range(min: number | undefined, max: number | undefined, what: string): string {
  if (min === undefined && max === undefined) return "";
  if (max === undefined) return `≥ ${number(min ?? 0)}${what}`;
  if (min === undefined) return `≤ ${number(max)}${what}`;
  return min === max ? `${number(min)}${what}` : `${number(min)}–${number(max)}${what}`;
}
