import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "./context.ts";
import { mountsBelow } from "./engine-remains.ts";
import { CheckError } from "./errors.ts";
import type { Privileges } from "./privileges.ts";
import { runTool } from "./run-tool.ts";

/**
 * The folder for what images are made of. There is one, since one test at a time runs in a clone; it is removed at the end,
 * and at the next start where a run was killed.
 */

const REMOVE_MS_MAX = 300_000;

const scratchDir = (root: string): string => join(root, ".nexus", "compose", "scratch");

/** An empty folder. Undone: it is gone. */
export async function openScratch(context: Context, privileges: Privileges): Promise<string> {
  const dir = scratchDir(context.root);
  context.undo.onStop("scratch folder", () => removeScratch(context, privileges));
  await removeScratch(context, privileges);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** debootstrap mounts things there, and leaves them mounted when it is killed. */
async function removeScratch({ root, env }: Context, { asRoot }: Privileges): Promise<void> {
  const dir = scratchDir(root);
  const options = { deadlineMs: REMOVE_MS_MAX, env };
  for (const path of mountsBelow(dir)) await runTool(asRoot(["umount", "-l", path]), options);
  if (existsSync(dir)) await runTool(asRoot(["rm", "-rf", "--one-file-system", dir]), options);
  if (existsSync(dir)) throw new CheckError(`${dir} could not be removed`);
}
