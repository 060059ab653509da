import { type MessageName, messages, WIRE_VERSION } from "@nexus/contracts";
import { z } from "zod";

/** The zod schemas of the wire as JSON Schemas: what the tables, the schema files and the AsyncAPI document are made of. */

export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
}

export const messageNames = Object.keys(messages) as MessageName[];

/** Stable as long as the wire version is. */
export function schemaId(name: MessageName): string {
  return `urn:nexus:wire:${WIRE_VERSION}:${name}`;
}

/** A schema of its own for one message: draft 2020-12, whole, with everything that it refers to. */
export function messageSchema(name: MessageName): JsonSchema {
  const { $schema, definitions } = converted(messages[name]);
  const { [name]: root, ...others } = definitions;
  if (root === undefined) throw new Error(`the schema of ${name} must have its name as its id`);
  const shared = Object.keys(others).length === 0 ? {} : { $defs: others };
  return { $schema, $id: schemaId(name), ...root, ...shared };
}

/** Every schema that has an id, by it; references are `#/$defs/<id>`. */
export function allDefinitions(): Record<string, JsonSchema> {
  return Object.assign({}, ...messageNames.map((name) => converted(messages[name]).definitions));
}

/** The id that a reference names. */
export function referenced(schema: JsonSchema): string | undefined {
  return schema.$ref?.split("/").at(-1);
}

function converted(schema: z.ZodType) {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const definitions = (json["$defs"] ?? {}) as Record<string, JsonSchema>;
  const tidied = Object.entries(definitions).map(([id, definition]) => [id, tidy(definition, definitions)] as const);
  return { $schema: String(json["$schema"]), definitions: Object.fromEntries(tidied) };
}

const keywordOrder = ["title", "description", "type", "x-unit", "default", "const", "enum"];

/**
 * Keywords in one order; units as an extension, from the schema, else from the ending of the field's name; nothing beside a
 * reference that the definition says as well.
 */
function tidy(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>, field = ""): JsonSchema {
  const { unit = unitOf(field), ...rest } = schema;
  const named = definitions[referenced(schema) ?? ""];
  const entries = Object.entries(rest)
    .filter(([keyword, value]) => JSON.stringify(named?.[keyword]) !== JSON.stringify(value))
    .map(([keyword, value]) => [keyword, tidyPart(keyword, value, definitions)] as const);
  if (unit !== undefined) entries.push(["x-unit", unit]);
  const rank = (keyword: string) => (keywordOrder.indexOf(keyword) + keywordOrder.length + 1) % (keywordOrder.length + 1);
  return Object.fromEntries(entries.sort(([a], [b]) => rank(a) - rank(b)));
}

function tidyPart(keyword: string, value: unknown, definitions: Readonly<Record<string, JsonSchema>>): unknown {
  if (keyword === "properties") {
    const properties = Object.entries(value as Record<string, JsonSchema>);
    return Object.fromEntries(properties.map(([name, part]) => [name, tidy(part, definitions, name)]));
  }
  if (["items", "additionalProperties", "propertyNames", "not"].includes(keyword) && typeof value === "object") {
    return tidy(value as JsonSchema, definitions);
  }
  if (["oneOf", "anyOf", "allOf"].includes(keyword)) return (value as JsonSchema[]).map((part) => tidy(part, definitions));
  return value;
}

/** Units are last in names. */
export function unitOf(name: string): string | undefined {
  if (/Ms(?:Max|Default|Ago)?$/.test(name)) return "ms";
  if (/Bytes(?:Max)?$/.test(name)) return "bytes";
  return /Chars(?:Max)?$/.test(name) ? "characters" : undefined;
}
