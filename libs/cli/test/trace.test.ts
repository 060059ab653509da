/** A trace as a tree and as text: order, orphans, circles, folding, what is noted; and where `nexus trace` looks. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connectNats } from "@nexus/adapter-nats";
import { startNatsServer } from "@nexus/adapter-servers";
import { encode, type Trace, type TraceSpan } from "@nexus/contracts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createStyle } from "../src/output/style.ts";
import { traceText } from "../src/output/trace-text.ts";
import { spanTree } from "../src/traces/span-tree.ts";
import { runNexus } from "./run-nexus.ts";
import { ID, result } from "./samples.ts";

const traceID = "0af7651916cd43dd8448eb211c80319c";
const tags = (fields: Record<string, string | number | boolean>) =>
  Object.entries(fields).map(([key, value]) => ({ key, value }));

function span(
  spanID: string,
  parent: string | undefined,
  startTime: number,
  duration: number,
  more: Partial<TraceSpan> = {},
): TraceSpan {
  const references = parent === undefined ? [] : [{ refType: "CHILD_OF" as const, traceID, spanID: parent }];
  return {
    traceID,
    spanID,
    operationName: `op ${spanID}`,
    references,
    startTime,
    duration,
    tags: [],
    logs: [],
    processID: "p1",
    ...more,
  };
}

const traceOf = (...spans: TraceSpan[]): Trace => ({
  traceID,
  spans,
  processes: { p1: { serviceName: "nexus-router" }, p2: { serviceName: "fleet" } },
});
const wide = { columns: Number.POSITIVE_INFINITY, alikeMax: 32 };
const plain = createStyle(false);

describe("the tree", () => {
  const shape = (trace: Trace) => {
    const of = (nodes: ReturnType<typeof spanTree>["roots"]): unknown[] =>
      nodes.map(({ span: { spanID }, children }) => [spanID, ...of(children)]);
    return of(spanTree(trace).roots);
  };

  test("children are in the order of their beginning, whatever order they came in", () => {
    expect(shape(traceOf(span("c", "a", 9, 1), span("d", "b", 4, 1), span("b", "a", 3, 2), span("a", undefined, 1, 10)))).toEqual(
      [["a", ["b", ["d"]], ["c"]]],
    );
  });

  test("a span whose parent is not here is a root, and counted", () => {
    const tree = spanTree(traceOf(span("a", undefined, 1, 1), span("b", "gone", 2, 1)));
    expect([tree.roots.length, tree.orphans, tree.startUs, tree.endUs]).toEqual([2, 1, 1, 3]);
  });

  test("spans in a circle are shown once", () => {
    expect(shape(traceOf(span("a", "b", 1, 1), span("b", "a", 2, 1)))).toEqual([["a", ["b"]]]);
  });

  test("nesting without end neither overflows nor loses a span", () => {
    const spans = Array.from({ length: 20_000 }, (_, i) => span(`s${i}`, i === 0 ? undefined : `s${i - 1}`, i, 1));
    const count = (nodes: ReturnType<typeof spanTree>["roots"]): number =>
      nodes.reduce((sum, node) => sum + 1 + count(node.children), 0);
    expect(count(spanTree(traceOf(...spans)).roots)).toBe(20_000);
  });
});

describe("the text", () => {
  test("durations, where in the whole, status, agents; each service where it changes", () => {
    const root = span("a", undefined, 0, 20_000, {
      tags: tags({
        ...{ "nexus.status": "partial", "nexus.agents.targeted": 2, "nexus.agents.responded": 1, "nexus.agents.missing": 1 },
        "nexus.request.id": ID,
      }),
    });
    const failed = tags({ "nexus.agent.id": "a1", error: true, "error.type": "handler-failed", "nexus.request.id": ID });
    const text = traceText(
      traceOf(
        root,
        span("b", "a", 5_000, 10_000, { processID: "p2" }),
        span("c", "b", 15_000, 5_000, {
          processID: "p2",
          tags: failed,
          logs: [{ timestamp: 1, fields: tags({ event: "began" }) }],
        }),
      ),
      plain,
      wide,
    );
    expect(text.split("\n")).toEqual([
      `trace ${traceID}  20.0 ms  3 spans  1 failed  fleet, nexus-router`,
      `op a         20.0 ms  ████████████████████    partial  1 of 2 agents  1 missing  nexus-router  request ${ID}`,
      "└─ op b      10.0 ms  ·····██████████·····    fleet",
      "   └─ op c    5.0 ms  ···············█████  ✗ error handler-failed  a1  event began",
      "",
    ]);
  });

  test("many alike: the slowest and the failed are shown, the others counted", () => {
    const children = Array.from({ length: 200 }, (_, i) => {
      const failed = i === 7 ? { tags: tags({ error: true }) } : {};
      return span(`h${i}`, "a", i, 1_000 + i, { operationName: "process stats", ...failed });
    });
    const lines = (alikeMax: number) =>
      traceText(traceOf(span("a", undefined, 0, 9_000), ...children), plain, { ...wide, alikeMax }).split("\n");
    const folded = lines(3);
    expect(folded).toHaveLength(2 + 3 + 1 + 1);
    expect(folded.filter((line) => line.includes("✗"))).toHaveLength(1);
    expect(folded[5]).toBe("└─ … 197 more, 1.0 ms to 1.2 ms (--all shows them)");
    expect(lines(Number.POSITIVE_INFINITY)).toHaveLength(2 + 200 + 1);
  });

  test("as many spans as an answer may hold", () => {
    const children = Array.from({ length: 200_000 }, (_, i) => span(`h${i}`, "a", i, 1_000, { operationName: "process stats" }));
    const trace = { ...traceOf(), spans: [span("a", undefined, 0, 9_000), ...children] };
    const text = (alikeMax: number) => traceText(trace, plain, { ...wide, alikeMax });
    expect(text(3)).toContain("└─ … 199997 more, 1.0 ms to 1.0 ms");
    expect(text(Number.POSITIVE_INFINITY).split("\n")).toHaveLength(200_003);
  });

  test("what is not there, and what was cut, is said; a peer's escape sequences are not", () => {
    const hostile = span("b", "gone", 0, 1, { operationName: "\u001b[2J", warnings: ["2 attributes \u001b[31m"] });
    const text = traceText({ ...traceOf(hostile), traceID: "\u001b]0;t\u0007", warnings: ["3 more spans"] }, plain, wide);
    expect(text).toContain("spans whose parent is not here: 1 (not recorded, or not arrived yet)\n");
    expect(text).toContain("3 more spans\n");
    expect(text).not.toContain("\u001b");
  });

  test("at a terminal notes are cut to its width", () => {
    const text = traceText(traceOf(span("a", undefined, 0, 1, { tags: tags({ "nexus.agent.id": "x".repeat(200) }) })), plain, {
      ...wide,
      columns: 80,
    });
    expect(
      Math.max(
        ...text
          .split("\n")
          .slice(1)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
  });
});

describe("nexus trace", () => {
  const servers: Server[] = [];
  let nats: Awaited<ReturnType<typeof startNatsServer>>;
  let bus: Awaited<ReturnType<typeof connectNats>>;
  beforeAll(async () => {
    nats = await startNatsServer();
    bus = await connectNats({ servers: nats.url, name: "scripted" });
  });
  afterAll(async () => {
    await bus?.close();
    await nats?.stop();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
  });

  /** Answers the nth question with the nth page, then with the last. */
  async function serving(...pages: { status?: number; body: unknown }[]) {
    const asked: string[] = [];
    const headers: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      headers.push(request.headers);
      const page = pages[Math.min(asked.length, pages.length - 1)];
      asked.push(request.url ?? "");
      response.writeHead(page?.status ?? 200, { connection: "close" }).end(JSON.stringify(page?.body));
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, headers };
  }
  const found = (...spans: TraceSpan[]) => ({ body: { data: [traceOf(...spans)], errors: null } });
  const none = { status: 404, body: { data: null, errors: [{ code: 404, msg: "trace not found" }] } };
  const nexus = (args: string[], environment: Record<string, string> = {}) =>
    runNexus(["trace", ...args], { environment: { NEXUS_NATS_URL: nats.url, ...environment } });

  test("a trace's id and a place need no NATS; Jaeger's answer is read", async () => {
    const { url, asked } = await serving(found(span("a", undefined, 1, 1)));
    const { out, code } = await nexus([traceID.toUpperCase(), "--traces-url", `${url}/`, "--json"], {
      NEXUS_NATS_URL: "nats://127.0.0.1:1",
    });
    expect([JSON.parse(out).spans.length, code, asked]).toEqual([1, 0, [`/api/traces/${traceID}`]]);
  });

  test("credentials in the address are sent, and not told", async () => {
    const { url, headers } = await serving(found(span("a", undefined, 1, 1)), { status: 500, body: {} });
    const address = url.replace("//", "//ops:p%40ss@");
    const { code } = await nexus([traceID, "--traces-url", address]);
    expect([code, headers[0]?.authorization]).toEqual([0, `Basic ${Buffer.from("ops:p@ss").toString("base64")}`]);
    const { err } = await nexus([traceID, "--traces-url", address]);
    expect(err).toContain(`no traces at ${url}: HTTP 500`);
    expect(err).not.toContain("p%40ss");
  });

  test("it waits for spans that are on their way", async () => {
    const now = Date.now() * 1_000;
    const late = found(span("a", undefined, now, 1), span("b", "a", now, 1));
    const { url } = await serving(none, found(span("b", "a", now, 1)), late);
    const { out } = await nexus([traceID, "--wait", "5000"], { NEXUS_TRACES_URL: url });
    expect(out).toContain("2 spans");
  });

  test("by a request's id: the router knows its trace, and a console where traces are", async () => {
    const { url, asked } = await serving(found(span("a", undefined, 1, 1)));
    const subscriptions = [
      bus.subscribe("$SRV.INFO.nexus-console", ({ reply }) =>
        bus.publish(reply ?? "", encode({ metadata: { traces_url: url } })),
      ),
      bus.subscribe("nexus.requests.*.get", ({ reply }) =>
        bus.publish(
          reply ?? "",
          encode({ v: 1, id: ID, state: "done", router: "r1", result: { ...result(), traceId: traceID } }),
        ),
      ),
    ];
    await bus.flush();
    const { out, code, err } = await nexus([ID]);
    for (const subscription of subscriptions) subscription.unsubscribe();
    expect([err, code, asked]).toEqual(["", 0, [`/api/traces/${traceID}`]]);
    expect(out).toContain(`trace ${traceID}`);
  });

  test("a request that no router keeps any more is searched by its attribute", async () => {
    const { url, asked } = await serving(found(span("a", undefined, 1, 1)));
    const { code } = await nexus([ID, "--traces-url", url]);
    const query = new URL(asked[0] ?? "", url).searchParams;
    expect([code, query.get("service"), query.get("tags")]).toEqual([
      0,
      "nexus-router",
      JSON.stringify({ "nexus.request.id": ID }),
    ]);
  });

  const faults: [string, string[], number, RegExp][] = [
    ["no id", ["xyz"], 2, /is no trace's id .* and no request's/],
    ["a wait of words", [traceID, "--wait", "long"], 2, /--wait must be milliseconds/],
    ["a wait of nothing", [traceID, "--wait", ""], 2, /--wait must be milliseconds, 0 to 600000, not ""/],
    ["no console", [traceID], 2, /no console tells where traces are; start one \(nexus up\)/],
  ];
  test.each(faults)("%s: what to do", async (_, args, code, message) => {
    const ran = await nexus(args);
    expect([ran.code, ran.out, ran.err]).toEqual([code, "", expect.stringMatching(message)]);
  });

  test("nobody there: where it looked, and what to do", async () => {
    const { url } = await serving(none);
    const server = servers.pop();
    await new Promise((closed) => server?.close(closed));
    const { code, err } = await nexus([traceID, "--traces-url", url]);
    expect([code, err]).toEqual([
      1,
      `error disconnected: no traces at ${url}: ECONNREFUSED; name a console or Jaeger by --traces-url\n`,
    ]);
  });

  test.each([
    ["another API", { body: { hello: 1 } }, [], 2, /does not answer as Jaeger's API does/],
    ["a trace without a span", { body: { data: [traceOf()] } }, ["--wait", "0"], 2, /has no trace of 0af7/],
    ["no such trace", none, ["--wait", "0"], 2, /has no trace of 0af7/],
    ["an error", { status: 500, body: {} }, [], 1, /HTTP 500/],
  ])("%s is told", async (_, page, args, code, message) => {
    const { url } = await serving(page);
    const ran = await nexus([traceID, "--traces-url", url, ...args]);
    expect([ran.code, ran.err]).toEqual([code, expect.stringMatching(message)]);
  });
});
