import { gatherFromOutside } from "./checks/coordination.ts";
import { everyoneIsConfined } from "./checks/hardening.ts";
import { everyoneIsHealthy, start } from "./checks/health.ts";
import { surviveRouterLoss } from "./checks/router-loss.ts";
import { traceIsConnected } from "./checks/trace.ts";
import type { Context } from "./context.ts";
import { findEngine } from "./engine.ts";
import { CheckError, messageOf, SkipError } from "./errors.ts";
import { obtainImages } from "./images.ts";
import type { CheckReport, Report } from "./report.ts";
import { findComposes, planStack } from "./stack.ts";

/**
 * Starts the whole stack, checks it, and takes it down again.
 *
 * Invariants
 * K1. Whatever happens (a check that fails, an interruption, a defect), everything that was begun is undone, in reverse.
 * K2. A machine that cannot run the test is a skip with its reason; once the stack is to be built, nothing is a skip.
 * K3. What cannot be undone fails a run that otherwise passed.
 */

type Parts = { -readonly [K in "engine" | "composes" | "images"]?: Report[K] };

/** Everything but the undoing. @throws the interruption's reason */
export async function composeTest(context: Context): Promise<Report> {
  const beganMs = performance.now();
  const checks: CheckReport[] = [];
  const parts: Parts = {};
  const report = (status: Report["status"], reason?: string): Report => ({
    status,
    ...(reason === undefined ? {} : { reason }),
    composes: [],
    images: [],
    ...parts,
    checks,
    durationMs: Math.round(performance.now() - beganMs),
  });
  try {
    await run(context, parts, checks);
    return report("passed");
  } catch (error) {
    context.interruption.throwIfAborted();
    if (!(error instanceof SkipError) && !(error instanceof CheckError)) throw error;
    if (error.output !== "") process.stderr.write(`${error.output}\n`);
    return report(error instanceof SkipError ? "skipped" : "failed", messageOf(error)); // K2
  }
}

async function run(context: Context, parts: Parts, checks: CheckReport[]): Promise<void> {
  const { progress, interruption: signal, root, undo } = context;
  const check = async <T>(name: string, work: () => Promise<T>, detail: (value: T) => string): Promise<T> => {
    const step = progress.step(name);
    const beganMs = performance.now();
    try {
      const value = await work();
      const text = detail(value);
      checks.push({ name, detail: text, durationMs: Math.round(performance.now() - beganMs) });
      step.done(`${name}: ${text}`);
      return value;
    } catch (error) {
      step.fail(messageOf(error));
      throw error;
    }
  };
  const engine = await findEngine(context);
  parts.engine = { kind: engine.kind, version: engine.version };
  const composes = await findComposes(context, engine);
  parts.composes = composes.map(({ version }) => version);
  const [compose] = composes;
  if (compose === undefined) throw new SkipError("no Docker Compose works here");
  const images = await obtainImages(context, engine);
  parts.images = images;
  const stack = await planStack(context, engine, compose, images);
  for (const each of composes)
    await check(
      `the file is valid for ${each.version}`,
      () => stack.config(each),
      () => "yes",
    );
  undo.onStop("stack", () => takeDown(context, stack.down));
  await check("the image is built", stack.build, () => "by its Dockerfile");
  await check(
    "the stack starts",
    () => start(stack),
    () => "with two routers",
  );
  const containers = await check(
    "everyone is healthy",
    () => everyoneIsHealthy(stack, signal),
    (all) => `${all.length} containers`,
  );
  const confined = () => everyoneIsConfined(containers, engine.env, signal);
  await check("nobody is root, and limits hold", confined, (processes) => `${processes} processes looked at`);
  const gather = () => gatherFromOutside(stack, root, signal);
  const result = await check("a gather from outside is answered", gather, ({ outcome }) => `${outcome?.contributors} agents`);
  const trace = () => traceIsConnected(stack, result.traceId, signal);
  await check("its trace is connected", trace, (spans) => `${spans.length} spans, one root, no orphan`);
  const loss = () => surviveRouterLoss(stack, containers, root, engine.env, signal);
  await check(
    "the loss of a router costs no request",
    loss,
    ({ before, after }) => `${before} before, ${after} after, none failed`,
  );
  const diskMib = await engine.diskMib();
  if (diskMib !== undefined) parts.engine = { kind: engine.kind, version: engine.version, diskMib };
}

async function takeDown({ progress }: Context, down: () => Promise<void>): Promise<void> {
  const step = progress.step("taking the stack down");
  await down();
  step.done("the stack is down, and nothing of it is left");
}
