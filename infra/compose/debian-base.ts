import { renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "./context.ts";
import type { Engine } from "./engine.ts";
import { CheckError, SkipError } from "./errors.ts";
import { ensureTools } from "./install-tools.ts";
import type { Privileges } from "./privileges.ts";
import { mustRun } from "./run-tool.ts";

/**
 * Debian's base system as an image: debootstrap fetches its packages from Debian's mirror, checked by Debian's keys. It is
 * kept as an archive for a week, since it takes the longest of everything.
 */

const SUITE = "bookworm";
const AGE_MS_MAX = 7 * 24 * 3_600_000;
const BOOTSTRAP_MS_MAX = 900_000;
const ARCHIVE_MS_MAX = 300_000;

/** @throws SkipError where Debian's packages cannot be had */
export async function debianImage(tag: string, scratch: string, context: Context, engine: Engine): Promise<void> {
  const { root, options, progress, interruption } = context;
  const archive = join(root, ".nexus", "compose", `debian-${SUITE}-${process.arch}.tar.gz`);
  if (options.fresh || ageMs(archive) > AGE_MS_MAX) {
    await makeArchive(archive, scratch, context, await engine.privileges("debootstrap"));
  }
  const step = progress.step("importing the Debian base system");
  await mustRun(["docker", "import", archive, tag], { deadlineMs: ARCHIVE_MS_MAX, env: engine.env, signal: interruption });
  step.done(`Debian ${SUITE} imported`);
}

async function makeArchive(archive: string, scratch: string, context: Context, privileges: Privileges): Promise<void> {
  const { progress, interruption, env } = context;
  await ensureTools(["debootstrap"], context, privileges);
  const rootfs = join(scratch, "rootfs");
  const partial = join(scratch, "debian.tar.gz");
  const step = progress.step(`fetching the Debian base system (${SUITE}) with debootstrap`);
  const { asRoot } = privileges;
  const common = { env, signal: interruption };
  try {
    const words = asRoot(["debootstrap", "--variant=minbase", SUITE, rootfs]);
    await mustRun(words, { deadlineMs: BOOTSTRAP_MS_MAX, ...common });
    // Packages that were unpacked are not needed again.
    const left = ["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./proc/*", "--exclude=./sys/*"];
    const tar = asRoot(["tar", "--use-compress-program=gzip -1", ...left, "-C", rootfs, "-cf", partial, "."]);
    await mustRun(tar, { deadlineMs: ARCHIVE_MS_MAX, ...common });
  } catch (error) {
    step.fail("it cannot be had");
    if (!(error instanceof CheckError)) throw error;
    throw new SkipError(`the Debian base system cannot be had: ${error.message}`, error.output);
  }
  renameSync(partial, archive); // whole or not at all
  step.done("Debian base system fetched");
}

function ageMs(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? Number.POSITIVE_INFINITY : Date.now() - stats.mtimeMs;
}
