import { findCommand } from "../setup/find-servers.mjs";
import type { Context } from "./context.ts";
import { SkipError } from "./errors.ts";
import { runTool } from "./run-tool.ts";

/** Commands that need root: as they are for root, else with a sudo that asks for no password. */
export interface Privileges {
  readonly asRoot: (words: readonly string[]) => readonly string[];
  readonly viaSudo: boolean;
}

const SUDO_MS_MAX = 5_000;

/** @param purpose "starting an engine", for the reason of a skip @throws SkipError where neither is there */
export async function findPrivileges({ env, interruption }: Context, purpose: string): Promise<Privileges> {
  if (process.getuid?.() === 0) return { asRoot: (words) => words, viaSudo: false };
  if (findCommand("sudo", env) !== null) {
    const trial = await runTool(["sudo", "-n", "true"], { deadlineMs: SUDO_MS_MAX, env, signal: interruption });
    if (trial.ok) return { asRoot: (words) => ["sudo", "-n", ...words], viaSudo: true };
  }
  throw new SkipError(`${purpose} needs root, or a sudo that asks for no password`);
}
