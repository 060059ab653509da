import { join } from "node:path";
import type { Context } from "./context.ts";
import { debianImage } from "./debian-base.ts";
import type { Engine } from "./engine.ts";
import { CheckError, SkipError } from "./errors.ts";
import { nodeContext } from "./node-context.ts";
import { mustRun, runTool } from "./run-tool.ts";
import { openScratch } from "./scratch.ts";
import type { StandIn, StandInName } from "./stand-in-plan.ts";

/** Builds the stand-in images of infra/offline. */

const BUILD_MS_MAX = 300_000;
const REMOVE_MS_MAX = 60_000;

/**
 * @param nodeImage a Node image that is to be had, if there is one
 * @returns the tag of each image
 * @throws SkipError when one cannot be built: Debian's packages cannot be had either
 */
export async function buildStandIns(
  plan: readonly StandIn[],
  nodeImage: string | undefined,
  context: Context,
  engine: Engine,
): Promise<Partial<Record<StandInName, string>>> {
  const { progress, undo } = context;
  const scratch = await openScratch(context, await engine.privileges("images can be had nowhere, and building stand-ins"));
  const tags: Partial<Record<StandIn["name"], string>> = nodeImage === undefined ? {} : { node: nodeImage };
  for (const standIn of plan) {
    const tag = `nexus-offline/${standIn.name}:${process.pid}`;
    undo.onStop(`image ${tag}`, () => removeImage(tag, engine));
    if (standIn.from === "debootstrap") await debianImage(tag, scratch, context, engine);
    else {
      const step = progress.step(`building the stand-in for ${standIn.name}`);
      try {
        await build(standIn, { tag, base: tags[standIn.from] ?? "", scratch }, context, engine);
      } catch (error) {
        step.fail("not built");
        throw error;
      }
      step.done(`stand-in for ${standIn.name} built`);
    }
    tags[standIn.name] = tag;
  }
  return tags;
}

async function build(
  standIn: Exclude<StandIn, { name: "debian" }>,
  { tag, base, scratch }: { readonly tag: string; readonly base: string; readonly scratch: string },
  context: Context,
  engine: Engine,
): Promise<void> {
  const { root, interruption } = context;
  const folder = join(root, "infra", "offline");
  const words = ["docker", "build", "--quiet", "--tag", tag, "--file", join(folder, `${standIn.name}.Dockerfile`)];
  // Debian's mirror is reached as the machine itself reaches it, also where the engine has no bridge.
  words.push("--network", standIn.needsNetwork ? "host" : "none", "--build-arg", `${standIn.argument}=${base}`);
  for (const proxy of ["http_proxy", "https_proxy", "no_proxy"]) if (engine.env[proxy]) words.push("--build-arg", proxy);
  words.push(standIn.name === "node" ? await nodeContext(scratch, context) : folder);
  try {
    await mustRun(words, { deadlineMs: BUILD_MS_MAX, env: engine.env, signal: interruption });
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    throw new SkipError(`the stand-in for ${standIn.name} cannot be built: ${error.message}`, error.output);
  }
}

/** A private engine's images go with it; in one that goes on running they would stay. */
async function removeImage(tag: string, engine: Engine): Promise<void> {
  if (engine.kind === "running")
    await runTool(["docker", "image", "rm", "--force", tag], { deadlineMs: REMOVE_MS_MAX, env: engine.env });
}
