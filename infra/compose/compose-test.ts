import { type CheckList, type CheckReport, createCheckList } from "./check-list.ts";
import { gatherFromOutside } from "./checks/coordination.ts";
import { everyoneIsConfined } from "./checks/hardening.ts";
import { everyoneIsHealthy, start } from "./checks/health.ts";
import { surviveRouterLoss } from "./checks/router-loss.ts";
import { traceIsConnected } from "./checks/trace.ts";
import type { Context } from "./context.ts";
import { findEngine } from "./engine.ts";
import { CheckError, SkipError } from "./errors.ts";
import { obtainImages } from "./images.ts";
import type { Report } from "./report.ts";
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

/** @throws the interruption's reason, and defects */
export async function composeTest(context: Context): Promise<Report> {
  const beganMs = performance.now();
  const list = createCheckList(context.progress);
  const parts: Parts = {};
  let end: CheckError | SkipError | undefined;
  try {
    await run(context, parts, list);
  } catch (error) {
    context.interruption.throwIfAborted();
    if (!(error instanceof SkipError) && !(error instanceof CheckError)) throw error;
    if (error.output !== "") process.stderr.write(`${error.output}\n`);
    end = error;
  } finally {
    await undo(context, list, end); // K1
  }
  context.interruption.throwIfAborted();
  return {
    ...outcomeOf(list.report(), end),
    composes: [],
    images: [],
    ...parts,
    checks: list.report(),
    durationMs: Math.round(performance.now() - beganMs),
  };
}

/** @param end what ended the run early */
export function outcomeOf(
  checks: readonly CheckReport[],
  end: CheckError | SkipError | undefined,
): Pick<Report, "status" | "reason"> {
  const failures = checks.flatMap(({ name, status, detail }) => (status === "failed" ? [`${name}: ${detail}`] : []));
  if (failures.length > 0) return { status: "failed", reason: failures.join("; ") }; // K3
  if (end === undefined) return { status: "passed" };
  return { status: end instanceof SkipError ? "skipped" : "failed", reason: end.message }; // K2
}

async function run(context: Context, parts: Parts, list: CheckList): Promise<void> {
  const { interruption: signal, root } = context;
  const engine = await findEngine(context);
  parts.engine = { kind: engine.kind, version: engine.version };
  const composes = await findComposes(context, engine);
  parts.composes = composes.map(({ version }) => version);
  const [compose] = composes;
  if (compose === undefined) throw new SkipError("no Docker Compose works here");
  const images = await obtainImages(context, engine);
  parts.images = images;
  const stack = await planStack(context, engine, compose, images);
  const validate = async () => {
    for (const each of composes) await stack.config(each);
  };
  await list.check("the file is valid", validate, () => `for ${composes.map(({ version }) => version).join(" and ")}`);
  context.undo.onStop("stack", () => takeDown(context, stack.down));
  await list.check("the image is built", stack.build, () => "by its Dockerfile");
  const up = () => start(stack);
  await list.check("the stack starts", up, () => "with two routers");
  const healthy = () => everyoneIsHealthy(stack, signal);
  const containers = await list.check("everyone is healthy", healthy, (all) => `${all.length} containers`);
  const confined = () => everyoneIsConfined(containers, engine.env, signal);
  await list.check("nobody is root, and limits hold", confined, (processes) => `${processes} processes looked at`);
  const gather = () => gatherFromOutside(stack, root, signal);
  const agents = ({ outcome }: Awaited<ReturnType<typeof gather>>) => `${outcome?.contributors} agents`;
  const result = await list.check("a gather from outside is answered", gather, agents);
  const trace = () => traceIsConnected(stack, result.traceId, signal);
  await list.check("its trace is connected", trace, (spans) => `${spans.length} spans, one root, no orphan`);
  const loss = () => surviveRouterLoss(stack, containers, root, engine.env, signal);
  const requests = ({ before, after }: Awaited<ReturnType<typeof loss>>) => `${before} before, ${after} after, none failed`;
  await list.check("the loss of a router costs no request", loss, requests);
  const diskMib = await engine.diskMib();
  if (diskMib !== undefined) parts.engine = { kind: engine.kind, version: engine.version, diskMib };
}

async function takeDown({ progress }: Context, down: () => Promise<void>): Promise<void> {
  const step = progress.step("taking the stack down");
  await down();
  step.done("the stack is down");
}

/** Where the machine cannot run the test, nothing was checked, and that all is undone is no success either. */
async function undo(context: Context, list: CheckList, end: Error | undefined): Promise<void> {
  const beganMs = performance.now();
  const steps = await context.undo.stop();
  if (steps.length > 0) list.record("nothing is left", "failed", `could not be undone: ${steps.join(", ")}`, beganMs);
  else if (!(end instanceof SkipError)) list.record("nothing is left", "passed", "all that was begun is undone", beganMs);
}
