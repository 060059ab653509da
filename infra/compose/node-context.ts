import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { npmCommand } from "../setup/install-packages.mjs";
import { nodeBinary, packageDirs } from "../setup/install-stamp.mjs";
import type { Context } from "./context.ts";
import { CheckError, SkipError } from "./errors.ts";
import { mustRun } from "./run-tool.ts";

/**
 * What the stand-in for the Node image is built of: the project's Node, an npm, and npm's cache, filled by installing what
 * the application image will install. The image is then built by its own Dockerfile, without a network.
 */

/** As the official image of this Node has it. */
const NPM_VERSION = "11.19.1";
const NPM_MS_MAX = 300_000;
const QUIET = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];

/** @returns the folder to build from @throws SkipError where the packages cannot be had */
export async function nodeContext(scratch: string, context: Context): Promise<string> {
  const { root, env, interruption } = context;
  const dir = join(scratch, "node");
  const cache = join(root, ".nexus", "compose", "npm-cache");
  mkdirSync(dir);
  const { command, args } = npmCommand(env);
  const npm = [command, ...args];
  const common = { deadlineMs: NPM_MS_MAX, env, signal: interruption };
  const options = [...QUIET, "--ignore-scripts", "--prefer-offline", "--cache", cache];
  try {
    await mustRun([...npm, "install", "--prefix", join(dir, "npm"), ...options, `npm@${NPM_VERSION}`], { ...common, cwd: dir });
    const trial = copyManifests(root, join(dir, "trial"));
    await mustRun([...npm, "ci", "--omit=dev", ...options], { ...common, cwd: trial });
    rmSync(trial, { recursive: true });
    // The cache knows packages by their addresses.
    const registry = (await mustRun([...npm, "config", "get", "registry"], { ...common, cwd: dir })).trim();
    writeFileSync(join(dir, "npmrc"), `offline=true\ncache=/usr/local/share/npm-cache\nregistry=${registry}\n`);
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    throw new SkipError(`npm's packages cannot be had: ${error.message}`, error.output);
  }
  cpSync(nodeBinary(root), join(dir, "node"));
  cpSync(join(cache, "_cacache"), join(dir, "npm-cache", "_cacache"), { recursive: true });
  return dir;
}

function copyManifests(root: string, to: string): string {
  const files = ["package-lock.json", ...packageDirs(root).map((dir) => join(dir, "package.json"))];
  for (const file of files) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
  return to;
}
