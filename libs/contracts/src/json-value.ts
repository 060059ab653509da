import { z } from "zod";

/**
 * What a payload or an answer may hold: the JSON data model. Binary, dates and other MessagePack extensions are
 * refused by the codec, so that a document means the same in either encoding.
 */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Opaque: the codec has already refused what is not of the data model, too deep or too large. */
export const jsonValueSchema = z
  .custom<JsonValue>((value) => value !== undefined, "must be given (null is a value)")
  .meta({ id: "json-value", title: "JSON value", description: "Any value that JSON can say; Nexus does not look into it" });

/** A JSON object, as opposed to null, an array or a scalar. */
export function isJsonObject(value: unknown): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
