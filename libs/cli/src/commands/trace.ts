import { systemClock } from "@nexus/adapter-node";
import type { Client } from "@nexus/client";
import { attributes, decode, NexusError, requestIdPattern, type Trace, withoutCredentials } from "@nexus/contracts";
import type { Command } from "commander";
import { type Target, targetOf } from "../contexts/target.ts";
import type { Io } from "../io.ts";
import { createStyle } from "../output/style.ts";
import { traceText } from "../output/trace-text.ts";
import type { Finish } from "../program.ts";
import { type Bus, type GlobalOptions, isColoured, withClient } from "../session.ts";
import { traceById, traceByRequest } from "../traces/fetch-trace.ts";
import { spanTree } from "../traces/span-tree.ts";
import { numberOption } from "./number-option.ts";

interface TraceOptions extends GlobalOptions {
  readonly tracesUrl?: string;
  readonly wait: string;
  readonly all?: boolean;
}

const ALIKE_MAX = 32;
const POLL_MS = 200;
/** Processes send what they recorded twice a second; a trace that did not grow for so long is whole. */
const SETTLED_MS = 1_000;

const help = `
Examples:
  nexus trace 0af7651916cd43dd8448eb211c80319c
  nexus trace 01JD0000000000000000000000                 by the request's id
  nexus trace 01JD0000000000000000000000 --traces-url http://jaeger:16686
  nexus trace 01JD0000000000000000000000 --json | jq '.spans | length'

Where traces are: --traces-url, the context, NEXUS_TRACES_URL, or else where a console on this NATS says that it is.`;

export function traceCommand(program: Command, io: Io, finish: Finish): void {
  program
    .command("trace")
    .argument("<id>", "a trace's id (32 hexadecimal digits) or a request's (a ULID)")
    .description("the trace of a coordination as a tree, with durations and what is worth knowing of each span")
    .option("--traces-url <url>", "a console or Jaeger, such as http://jaeger:16686")
    .option("--wait <ms>", "how long to wait for spans that are still on their way", "3000")
    .option("--all", `show every span, where more than ${ALIKE_MAX} alike would be folded`)
    .addHelpText("after", help)
    .action(async (id: string, _, command: Command) => {
      const options = command.optsWithGlobals<TraceOptions>();
      const trace = await find(id, options, targetOf(options, io));
      if (options.json === true) io.out(`${JSON.stringify(trace, null, 2)}\n`);
      else {
        const columns = io.outIsTty ? io.size().columns : Number.POSITIVE_INFINITY;
        const alikeMax = options.all === true ? Number.POSITIVE_INFINITY : ALIKE_MAX;
        io.out(traceText(trace, createStyle(isColoured(options, io)), { columns, alikeMax }));
      }
      finish(0);
    });
}

async function find(id: string, options: TraceOptions, target: Target): Promise<Trace> {
  const waitMs = numberOption("wait", options.wait, { min: 0, max: 600_000, of: "milliseconds" });
  const isTraceId = /^[0-9a-fA-F]{32}$/.test(id);
  if (!isTraceId && !requestIdPattern.test(id)) {
    const message = `"${id.slice(0, 64)}" is no trace's id (32 hexadecimal digits) and no request's (a ULID)`;
    throw new NexusError("invalid-field", message, { field: "id" });
  }
  const given = options.tracesUrl ?? target.tracesUrl;
  // A trace's id and a place are enough; everything else is asked on the bus.
  if (isTraceId && given !== undefined) return settled(() => traceById(given, id.toLowerCase()), id, given, waitMs);
  return withClient(target, async (client, bus) => {
    const base = given ?? (await discover(bus));
    if (isTraceId) return settled(() => traceById(base, id.toLowerCase()), id, base, waitMs);
    const traceId = await traceIdOf(client, id);
    const read = () => (traceId === undefined ? traceByRequest(base, id, attributes.requestId) : traceById(base, traceId));
    return settled(read, id, base, waitMs);
  });
}

/** @returns undefined where the request still runs, or is no longer kept: its trace may be found by its id all the same */
async function traceIdOf(client: Client, requestId: string): Promise<string | undefined> {
  let report: Awaited<ReturnType<Client["get"]>>;
  try {
    report = await client.get(requestId);
  } catch (error) {
    if (error instanceof NexusError && (error.code === "not-found" || error.code === "no-responders")) return undefined;
    throw error;
  }
  const { result } = report;
  if (result === undefined || result.traceId !== undefined) return result?.traceId;
  const message = `request ${requestId} was not traced: its router has no OTEL_EXPORTER_OTLP_ENDPOINT`;
  throw new NexusError("not-found", message, { field: "id" });
}

/** Where a console says that traces are read. */
async function discover(bus: Bus): Promise<string> {
  try {
    const info = await bus.request("$SRV.INFO.nexus-console", new Uint8Array(), { timeoutMs: 2_000 });
    const { metadata } = decode(info.data) as { metadata?: Record<string, unknown> };
    const url = metadata?.["traces_url"];
    if (typeof url === "string" && /^https?:\/\//.test(url)) return url;
  } catch (error) {
    if (!(error instanceof NexusError) || (error.code !== "no-responders" && error.code !== "timeout")) throw error;
  }
  const message =
    "no console tells where traces are; start one (nexus up), or name it or Jaeger by --traces-url or NEXUS_TRACES_URL";
  throw new NexusError("not-found", message, { field: "traces-url" });
}

/** Asks until the trace is there, has its parents, and has not grown for a while; at the end of the wait as it is. */
async function settled(read: () => Promise<Trace | undefined>, id: string, base: string, waitMs: number): Promise<Trace> {
  const untilMs = systemClock.monotonicMs() + waitMs;
  let trace: Trace | undefined;
  let grewMs = systemClock.monotonicMs();
  for (;;) {
    const before = trace?.spans.length ?? 0;
    trace = await read();
    const nowMs = systemClock.monotonicMs();
    if ((trace?.spans.length ?? 0) > before) grewMs = nowMs;
    if (trace !== undefined && isWhole(trace, nowMs - grewMs)) return trace;
    if (nowMs >= untilMs) break;
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, untilMs - nowMs)));
  }
  if (trace !== undefined) return trace;
  const message = `${withoutCredentials(base)} has no trace of ${id}: it was not recorded, or is no longer kept there`;
  throw new NexusError("not-found", message, { field: "id" });
}

function isWhole(trace: Trace, stillForMs: number): boolean {
  const { roots, orphans, endUs } = spanTree(trace);
  if (roots.length === 0) return false;
  const isOld = Date.now() - endUs / 1_000 > 10_000;
  return isOld || (orphans === 0 && stillForMs >= SETTLED_MS);
}
