import { type ChildProcess, fork } from "node:child_process";
import { resolve } from "node:path";
import { startNatsServer } from "@nexus/adapter-servers";
import { connectAgents } from "@nexus/agent";
import { decode, encode } from "@nexus/contracts";
import { expect, it } from "vitest";
import type { Report } from "./fixtures/router-process.ts";
import { type Mix, mixFor } from "./hostile-mix.ts";
import { documentOf } from "./prove.ts";
import { Wire } from "./wire.ts";
import { handlers, until } from "./world.ts";

/**
 * Proves: ten thousand hostile messages, one after the other of all the tables have for a router, leave its process as it
 * was: no crash, no error, no growth of the heap, no entry in a map, and legal requests are answered as before.
 */

const MESSAGES = 10_000;
const GROWTH_BYTES_MAX = 4 * 1_048_576;
const AT_ONCE = 100;

function startProcess(url: string): { child: ChildProcess; report: () => Promise<Report>; output: () => string } {
  const child = fork(resolve(import.meta.dirname, "fixtures/router-process.ts"), [url], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += String(chunk)));
  const report = () =>
    new Promise<Report>((done, failed) => {
      child.once("message", (message) => done(message as Report));
      child.once("exit", (code) => failed(new Error(`the router ended with ${code}: ${text}`)));
      child.send("report");
    });
  return { child, report, output: () => text };
}

/** Sends so many, in turn; requests wait for their answers, some at a time. */
async function sendAll(wire: Wire, mix: Mix, count: number): Promise<void> {
  const all = [
    ...mix.requests.map((message) => ({ message, isAnswered: true })),
    ...mix.frames.map((message) => ({ message, isAnswered: false })),
  ];
  for (let from = 0; from < count; from += AT_ONCE) {
    const answers = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => {
      // Not one after the other, so that each hundred has something of every table.
      const next = all[((from + index) * 7_919) % all.length];
      if (next?.isAnswered) return wire.request(next.message);
      if (next !== undefined) wire.publish(next.message);
      return undefined;
    });
    await Promise.all(answers);
  }
  await wire.sync();
}

it(`${MESSAGES} hostile messages leave a router as it was`, async () => {
  const server = await startNatsServer({ config: "max_payload: 4194304\n" });
  const { child, report, output } = startProcess(server.url);
  await new Promise<void>((ready, failed) => {
    child.once("message", () => ready());
    child.once("exit", (code) => failed(new Error(`the router did not start (${code}): ${output()}`)));
  });
  const agents = await connectAgents({ nats: { servers: server.url, name: "agents" } });
  for (const id of ["a0", "a1"]) await agents.addAgent({ id, groups: ["fleet"], labels: { zone: "eu" }, handlers });
  const wire = await Wire.connect(server.port, "endurance");
  const status = async () => decode((await wire.request({ subject: "nexus.router.status" })).data) as Record<string, unknown>;
  await until("the agents are known", async () => (await status())["agents"] === 2);
  const medianMs = async (): Promise<number> => {
    const data = encode({ goal: { operation: "number" }, agents: { group: "fleet" } });
    const times: number[] = [];
    for (let index = 0; index < 50; index++) {
      const beganMs = performance.now();
      expect(documentOf(await wire.request({ subject: "nexus.coordinate.gather", data }))).toMatchObject({ status: "completed" });
      times.push(performance.now() - beganMs);
    }
    return times.sort((a, b) => a - b)[25] ?? 0;
  };
  const mix = mixFor(String((await status())["router"]));

  await sendAll(wire, mix, 3 * (mix.requests.length + mix.frames.length)); // compiled, cached, and every legal id used
  const [latencyBefore, before, statusBefore] = [await medianMs(), await report(), await status()];
  await sendAll(wire, mix, MESSAGES);
  const [latencyAfter, after, statusAfter] = [await medianMs(), await report(), await status()];

  const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(2);
  console.log(
    `${mix.requests.length} requests and ${mix.frames.length} frames in turn, ${MESSAGES} in all: heap ${megabytes(before.heapBytes)} → ` +
      `${megabytes(after.heapBytes)} MB, rss ${megabytes(before.rssBytes)} → ${megabytes(after.rssBytes)} MB, ` +
      `median ${latencyBefore.toFixed(2)} → ${latencyAfter.toFixed(2)} ms, ` +
      `${after.refused - before.refused} refused, ${after.dropped - before.dropped} dropped, ${after.lines} lines logged`,
  );
  expect(after.errors).toEqual([]);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(GROWTH_BYTES_MAX);
  expect(latencyAfter).toBeLessThan(Math.max(250, 10 * latencyBefore));
  const counts = ["agents", "active", "held", "peers", "sharedMemory"];
  for (const name of counts) expect([name, statusAfter[name]]).toEqual([name, statusBefore[name]]);
  expect(statusAfter).toMatchObject({ active: 0, held: 0, peers: [] });
  expect(after.refused + after.dropped - before.refused - before.dropped).toBeGreaterThan(0.9 * MESSAGES);

  wire.close();
  await agents.close(500);
  const ended = new Promise((done) => child.once("exit", done));
  child.disconnect();
  expect(await ended).toBe(0);
  await server.stop();
});
