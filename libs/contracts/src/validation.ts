import type { z } from "zod";
import { NexusError } from "./errors.ts";
import { isJsonObject, type JsonValue } from "./json-value.ts";
import type { QuickCheck } from "./quick-checks.ts";

/**
 * From zod's issues to one error that names the field and says what to do. Only the first issue is told: correcting it
 * often changes the others, and a hostile body must not make us write a long answer.
 */
export function errorFromIssues(issues: readonly z.core.$ZodIssue[], what: string): NexusError {
  const issue = issues[0];
  if (issue === undefined) return new NexusError("invalid-field", `${what} is not valid`);
  const path = pathOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    const key = clip(issue.keys[0] ?? "");
    const field = path === "" ? key : `${path}.${key}`;
    return new NexusError(
      "unknown-field",
      `${field} is no field of ${path === "" ? what : path}; remove it or correct its name`,
      {
        field,
      },
    );
  }
  const field = path === "" ? undefined : path;
  return new NexusError("invalid-field", `${field ?? what}: ${issue.message}`, field === undefined ? {} : { field });
}

/**
 * Validates a frame from another process; unknown fields are dropped, so that a newer peer is understood.
 * @param isPlain the schema's quick check, where it has one
 * @throws NexusError `unsupported-version` or `invalid-field`
 */
export function parseFrame<T extends z.ZodType>(schema: T, value: JsonValue, what: string, isPlain?: QuickCheck): z.output<T> {
  if (isPlain?.(value) === true) return value as z.output<T>;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  if (parsed.error.issues.some((issue) => issue.path.length === 1 && issue.path[0] === "v")) {
    throw new NexusError("unsupported-version", `${what}: wire version ${versionIn(value)} is not understood`, { field: "v" });
  }
  throw errorFromIssues(parsed.error.issues, what);
}

function versionIn(value: JsonValue): string {
  if (!isJsonObject(value)) return "(none)";
  return clip(String(value["v"] ?? "(none)"));
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => clip(String(part)))
    .join(".")
    .slice(0, 256);
}

function clip(text: string): string {
  return JSON.stringify(text.slice(0, 64)).slice(1, -1);
}
