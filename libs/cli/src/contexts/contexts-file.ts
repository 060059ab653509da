import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorFromIssues, NexusError } from "@nexus/contracts";
import { given, type Io } from "../io.ts";
import { type Context, type ContextsFile, contextNamePattern, contextsFileSchema } from "./context.ts";
import { whileLocked } from "./lock-file.ts";

/**
 * The contexts of one user, in `$XDG_CONFIG_HOME/nexus/contexts.json`, readable by that user alone. Written whole and
 * renamed into place, so that a crash leaves the old one, by one process at a time. https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function contextsPath(io: Pick<Io, "environment">): string {
  const home = given(io, "HOME");
  const config = given(io, "XDG_CONFIG_HOME") ?? (home === undefined ? undefined : join(home, ".config"));
  if (config === undefined) throw new NexusError("not-found", "HOME is not set: set it, or XDG_CONFIG_HOME, to keep contexts");
  return join(config, "nexus", "contexts.json");
}

/** @throws NexusError where the file cannot be read or is not valid; none is empty */
export function readContexts(io: Pick<Io, "environment">): ContextsFile {
  const path = contextsPath(io);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { contexts: {} };
    // A parser's message quotes what it met, which may be a secret.
    const why = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
    throw new NexusError("invalid-field", `cannot read ${path}: ${why}; correct or remove it`, { cause: error });
  }
  const parsed = contextsFileSchema.safeParse(value);
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, path);
  return parsed.data;
}

/**
 * Reads, changes and writes, as one step among all that do so.
 * @throws NexusError as `change` does, or where the file cannot be read or written
 */
export async function changeContexts(io: Pick<Io, "environment">, change: (file: ContextsFile) => ContextsFile): Promise<void> {
  const path = contextsPath(io);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await whileLocked(`${path}.lock`, () => write(path, change(readContexts(io))));
  } catch (error) {
    if (error instanceof NexusError) throw error;
    throw new NexusError("not-found", `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function write(path: string, file: ContextsFile): void {
  const real = realpathOr(path); // a link to where it is kept stays one
  const unfinished = `${real}.${randomBytes(4).toString("hex")}`;
  try {
    writeFileSync(unfinished, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(unfinished, real);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it is not there yet
  }
}

/** @throws NexusError `not-found`, naming those that there are */
export function contextNamed(file: ContextsFile, name: string): Context {
  const context = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (context !== undefined) return context;
  const names = Object.keys(file.contexts);
  const known = names.length === 0 ? "none is kept yet (nexus context add)" : `there are: ${names.join(", ")}`;
  throw new NexusError("not-found", `there is no context "${name.slice(0, 64)}"; ${known}`, { field: "context" });
}

/** @throws NexusError `invalid-field` */
export function checkContextName(name: string): void {
  if (contextNamePattern.test(name)) return;
  throw new NexusError("invalid-field", `a context's name must match ${contextNamePattern.source}`, { field: "name" });
}
