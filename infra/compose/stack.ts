import { join } from "node:path";
import { findCommand } from "../setup/find-servers.mjs";
import type { Context } from "./context.ts";
import { type ContainerState, containersOf } from "./docker.ts";
import type { Engine } from "./engine.ts";
import { CheckError, SkipError } from "./errors.ts";
import { freePorts } from "./free-ports.ts";
import type { Image } from "./images.ts";
import { ensureTools } from "./install-tools.ts";
import { mustRun, runTool } from "./run-tool.ts";

/** The stack under Compose: its commands, and where its ports are published. */

export interface Compose {
  readonly words: readonly string[];
  readonly version: string;
}

const VERSION_MS_MAX = 20_000;
const CONFIG_MS_MAX = 60_000;
const BUILD_MS_MAX = 900_000;
const UP_MS_MAX = 600_000;
const DOWN_MS_MAX = 180_000;
const ROUTERS = 2;
/** Of docker-compose.yml with two routers. */
export const CONTAINERS = 12;

/** Every Compose that is here: v2 as the plugin, and the old program. @throws SkipError where there is none */
export async function findComposes(context: Context, engine: Engine): Promise<Compose[]> {
  const found = await composesHere(context, engine);
  if (found.some(({ words }) => words[0] === "docker-compose")) return found;
  try {
    // The file is to be valid for both, so the old one is wanted too; where it cannot be had, v2 alone will do.
    await ensureTools(["docker-compose"], context, await engine.privileges("docker-compose is not here, and installing it"));
  } catch (error) {
    if (!(error instanceof SkipError) || found.length === 0) throw error;
    context.progress.line(`only ${found.map(({ version }) => version).join(", ")} is here: ${error.message}`);
    return found;
  }
  return composesHere(context, engine);
}

async function composesHere({ interruption, env }: Context, engine: Engine): Promise<Compose[]> {
  const candidates = [["docker", "compose"], ["docker-compose"]];
  const found: Compose[] = [];
  for (const words of candidates.filter(([command = ""]) => findCommand(command, env) !== null)) {
    const result = await runTool([...words, "version", "--short"], {
      deadlineMs: VERSION_MS_MAX,
      env: engine.env,
      signal: interruption,
    });
    if (result.ok) found.push({ words, version: `${words.join(" ")} ${result.stdout.trim()}` });
  }
  return found;
}

export interface Stack {
  readonly natsUrl: string;
  readonly otlpUrl: string;
  readonly jaegerUrl: string;
  config(compose: Compose): Promise<void>;
  build(): Promise<void>;
  up(): Promise<void>;
  containers(): Promise<ContainerState[]>;
  /** What a container wrote last. */
  logs(id: string): Promise<string>;
  down(): Promise<void>;
}

export async function planStack(context: Context, engine: Engine, compose: Compose, images: readonly Image[]): Promise<Stack> {
  const { root, interruption } = context;
  const project = `nexus-compose-test-${process.pid}`;
  const [natsPort, jaegerPort, otlpPort] = await freePorts(3);
  const env = composeEnv(engine, images, { NATS_PORT: natsPort, JAEGER_PORT: jaegerPort, OTLP_PORT: otlpPort });
  const common = { cwd: root, env, signal: interruption };
  const words = (front: Compose, ...rest: readonly string[]) => [
    ...front.words,
    ...["--project-name", project, "--project-directory", root, "--file", join(root, "docker-compose.yml")],
    ...rest,
  ];
  return {
    natsUrl: `nats://127.0.0.1:${natsPort}`,
    otlpUrl: `http://127.0.0.1:${otlpPort}`,
    jaegerUrl: `http://127.0.0.1:${jaegerPort}`,
    async config(front) {
      const options = { deadlineMs: CONFIG_MS_MAX, ...common };
      await mustRun(words(front, "config", "--quiet"), options);
    },
    async build() {
      // One image, whichever service is named.
      await mustRun(words(compose, "build", "router"), { deadlineMs: BUILD_MS_MAX, ...common });
    },
    async up() {
      const options = ["--detach", "--no-build", "--scale", `router=${ROUTERS}`];
      await mustRun(words(compose, "up", ...options), { deadlineMs: UP_MS_MAX, ...common });
    },
    containers: () => containersOf(project, env),
    async logs(id) {
      const { stdout, stderr } = await runTool(["docker", "logs", "--tail", "20", id], { deadlineMs: CONFIG_MS_MAX, env });
      return `${stdout}${stderr}`.trim();
    },
    async down() {
      const down = words(compose, "down", "--volumes", "--remove-orphans", "--timeout", "15");
      await mustRun(down, { deadlineMs: DOWN_MS_MAX, cwd: root, env });
      if (engine.kind === "running") await removeBuild(env);
      await assertGone(project, env);
    },
  };
}

/** What the person's own environment says about Compose is left out: the test is about the file. */
function composeEnv(
  engine: Engine,
  images: readonly Image[],
  ports: Readonly<Record<string, number | undefined>>,
): NodeJS.ProcessEnv {
  const { COMPOSE_FILE: _file, COMPOSE_PROJECT_NAME: _project, COMPOSE_PROFILES: _profiles, ...rest } = engine.env;
  const isOffline = images.some(({ variable, source }) => variable === "NODE_IMAGE" && source === "stand-in");
  return {
    ...rest,
    ...Object.fromEntries(images.map(({ variable, reference }) => [variable, reference])),
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    NEXUS_IMAGE: `nexus:compose-test-${process.pid}`,
    BUILD_NETWORK: isOffline ? "none" : rest["BUILD_NETWORK"] || engine.buildNetwork,
    COMPOSE_HTTP_TIMEOUT: "120",
    NEXUS_PREFIX: "",
    NEXUS_LOG_LEVEL: "",
    OTEL_TRACES_SAMPLER_ARG: "1",
  };
}

/** The image, and what the old builder leaves of its stages; a private engine's images go with it. */
async function removeBuild(env: NodeJS.ProcessEnv): Promise<void> {
  const options = { deadlineMs: CONFIG_MS_MAX, env };
  await runTool(["docker", "image", "rm", "--force", env["NEXUS_IMAGE"] ?? ""], options);
  await runTool(["docker", "image", "prune", "--force", "--filter", "label=nexus.image=stage"], options);
}

async function assertGone(project: string, env: NodeJS.ProcessEnv): Promise<void> {
  const filter = ["--quiet", "--filter", `label=com.docker.compose.project=${project}`];
  const lists = { containers: ["ps", "--all"], networks: ["network", "ls"], volumes: ["volume", "ls"] };
  for (const [what, list] of Object.entries(lists)) {
    const left = (await mustRun(["docker", ...list, ...filter], { deadlineMs: CONFIG_MS_MAX, env })).trim();
    if (left !== "") throw new CheckError(`${what} are left after the stack was taken down: ${left.replaceAll("\n", ", ")}`);
  }
}
