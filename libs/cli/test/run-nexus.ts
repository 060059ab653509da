import { encode } from "@nexus/contracts";
import { run } from "../src/index.ts";

/** One command line in this process, with everything that it says. */
export interface Ran {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** What `-` and `r.json` hold: text as it is, anything else as JSON. */
  readonly input?: unknown;
  /** A terminal of this size. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
}

export async function runNexus(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return await startNexus(args, options).ended;
}

/** One that goes on until it is interrupted. */
export function startNexus(args: readonly string[], options: RunOptions = {}) {
  const { environment = {}, input, terminal } = options;
  const listeners = new Set<() => void>();
  let out = "";
  let err = "";
  const ended = run(args, {
    environment,
    nodeVersion: process.versions.node,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readInput: (path) => {
      if (path !== "-" && path !== "r.json") throw new Error("ENOENT");
      return typeof input === "string" ? new TextEncoder().encode(input) : encode(input);
    },
    outIsTty: terminal !== undefined,
    size: () => terminal ?? { columns: 120, rows: 40 },
    progress: undefined,
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  }).then((code): Ran => ({ code, out, err }));
  return {
    ended,
    out: () => out,
    err: () => err,
    lines: () => out.split("\n").filter((line) => line !== ""),
    interrupt: () => {
      for (const listener of [...listeners]) listener();
    },
  };
}
