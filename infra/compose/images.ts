import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "./context.ts";
import type { Engine } from "./engine.ts";
import { runTool } from "./run-tool.ts";
import { planStandIns, type StandInName } from "./stand-in-plan.ts";
import { buildStandIns } from "./stand-ins.ts";

/** Where each image of docker-compose.yml comes from: it is present, it is pulled, or something stands in for it. */

const IMAGE_VARIABLES = { NODE_IMAGE: "node", NATS_IMAGE: "nats", REDIS_IMAGE: "redis", JAEGER_IMAGE: "jaeger" } as const;
type ImageVariable = keyof typeof IMAGE_VARIABLES;

export interface Image {
  readonly variable: ImageVariable;
  readonly reference: string;
  readonly source: "present" | "pulled" | "stand-in";
}

const PULL_MS_MAX = 600_000;
const QUERY_MS_MAX = 30_000;

/** The images that Compose would use: a variable's value, else the default that the file itself has. Pure. */
export function wantedImages(composeFile: string, env: NodeJS.ProcessEnv): { variable: ImageVariable; reference: string }[] {
  return (Object.keys(IMAGE_VARIABLES) as ImageVariable[]).map((variable) => {
    const fallback = new RegExp(`\\$\\{${variable}:-([^}]+)\\}`).exec(composeFile)?.[1];
    const reference = env[variable] || fallback;
    if (reference === undefined) throw new Error(`docker-compose.yml has no default for ${variable}`);
    return { variable, reference };
  });
}

/** @throws SkipError where an image can neither be had nor replaced */
export async function obtainImages(context: Context, engine: Engine): Promise<Image[]> {
  const wanted = wantedImages(readFileSync(join(context.root, "docker-compose.yml"), "utf8"), context.env);
  const step = context.progress.step("looking for the images");
  const found = await Promise.all(
    wanted.map(async (image) => ({ ...image, source: await sourceOf(image.reference, context, engine) })),
  );
  const missing = found.filter(({ source }) => source === undefined).map(({ variable }) => IMAGE_VARIABLES[variable]);
  step.done(missing.length === 0 ? "every image is there" : `not to be had: ${missing.join(", ")}; stand-ins are built`);
  const nodeImage = found.find(({ variable, source }) => variable === "NODE_IMAGE" && source !== undefined)?.reference;
  const tags: Partial<Record<StandInName, string>> =
    missing.length === 0 ? {} : await buildStandIns(planStandIns(missing), nodeImage, context, engine);
  return found.map(({ variable, reference, source }) => {
    const tag = tags[IMAGE_VARIABLES[variable]];
    return source !== undefined || tag === undefined
      ? { variable, reference, source: source ?? "present" }
      : { variable, reference: tag, source: "stand-in" };
  });
}

async function sourceOf(reference: string, context: Context, engine: Engine): Promise<"present" | "pulled" | undefined> {
  const { options, progress, interruption } = context;
  const common = { env: engine.env, signal: interruption };
  const present = await runTool(["docker", "image", "inspect", reference], { deadlineMs: QUERY_MS_MAX, ...common });
  if (present.ok) return "present";
  if (options.offline) return undefined;
  const pull = await runTool(["docker", "pull", "--quiet", reference], { deadlineMs: PULL_MS_MAX, ...common });
  if (pull.ok) return "pulled";
  progress.line(`${reference} cannot be pulled: ${pull.stderr.trim().split("\n").at(-1) ?? pull.reason}`);
  return undefined;
}
