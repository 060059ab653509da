/** The command line in this process: its exit codes and streams, against a real nats-server where a scripted router answers. */

import { connectNats } from "@nexus/adapter-nats";
import { startNatsServer } from "@nexus/adapter-servers";
import { createSubjects, decode, encode, type JsonValue } from "@nexus/contracts";
import { VERSION } from "@nexus/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { embeddedArgs } from "../src/commands/up.ts";
import { runNexus } from "./run-nexus.ts";
import { agent, result } from "./samples.ts";

const subjects = createSubjects();
const request = { goal: { type: "gather", operation: "stats" }, agents: { all: true } };
let server: Awaited<ReturnType<typeof startNatsServer>>;
let bus: Awaited<ReturnType<typeof connectNats>>;
/** What the router answers to the next request, given its body. */
let answer: (body: { [key: string]: JsonValue }) => unknown = () => undefined;

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectNats({ servers: server.url, name: "scripted-router" });
  const reply = (subject: string, script: (body: { [key: string]: JsonValue }, subject: string) => unknown) =>
    bus.subscribe(subject, (message) => {
      const body = message.data.byteLength === 0 ? {} : (decode(message.data) as { [key: string]: JsonValue });
      if (message.reply !== undefined) bus.publish(message.reply, encode(script(body, message.subject)));
    });
  reply(subjects.coordinate("gather"), (body) => answer(body));
  reply(subjects.service("router", "agents"), (body) => ({
    v: 1,
    router: "r1",
    tableVersion: 1,
    total: 1,
    agents: body["group"] === "none" ? [] : [agent],
  }));
  reply("$SRV.INFO", () => ({ name: "nexus-router", version: "0.1.0", metadata: { wire_min: "1", wire_max: "1" } }));
  reply(subjects.everyRequestGet, (_, subject) => {
    const id = subject.split(".")[2];
    return { v: 1, id, state: "done", router: "r1", result: { ...result(), id } };
  });
  await bus.flush();
});
afterAll(async () => {
  await bus?.close();
  await server?.stop();
});

const nexus = (args: string[], input: unknown = request, environment: Record<string, string> = {}) =>
  runNexus(args, { input, environment: { NEXUS_NATS_URL: server.url, ...environment } });

describe("coordinate", () => {
  const enough = { status: "partial", executed: "some" } as const;
  const error = { code: "incomplete", message: "23 of 24", retryable: true, executed: "some" } as const;
  const table: [string, object, object, number][] = [
    ["completed", {}, {}, 0],
    ["partial, and not enough", { ...enough, error }, {}, 1],
    ["partial, as allowed", enough, { degrade: ["partial"] }, 0],
    ["failed", { status: "failed", executed: "unknown" }, { degrade: ["partial"] }, 1],
  ];
  test.each(table)("%s", async (_, outcome, fields, code) => {
    answer = (body) => ({ ...result(outcome), id: body["id"] });
    const ended = await nexus(["coordinate", "r.json", "--json"], { ...request, ...fields });
    expect(ended.err).toBe("");
    expect(JSON.parse(ended.out).type).toBe("gather");
    expect(ended.code).toBe(code);
  });

  test("for people, and the timeout of the command line before the file's", async () => {
    let timeoutMs: unknown;
    answer = (body) => {
      timeoutMs = body["timeoutMs"];
      return { ...result(), id: body["id"] };
    };
    const { out, code } = await nexus(["coordinate", "-", "--timeout", "1234"], { ...request, timeoutMs: 9_000 });
    expect(out).toContain("completed  gather");
    expect([code, Number(timeoutMs) <= 1_234 && Number(timeoutMs) > 500]).toEqual([0, true]);
  });

  test("--follow: events on stderr, the result alone on stdout", async () => {
    answer = (body) => {
      const id = String(body["id"]);
      const event = (seq: number, name: string) => encode({ v: 1, id, seq, atMs: seq, event: name });
      for (const [seq, name] of ["accepted", "answer", "finished"].entries())
        bus.publish(subjects.requestEvents(id), event(seq, name));
      return { v: 1, id, type: "gather", status: "accepted", router: "r1", remainingMs: 5_000 };
    };
    const { out, err, code } = await nexus(["--json", "coordinate", "r.json", "--follow"]);
    expect(JSON.parse(out).status).toBe("completed");
    expect(err.split("\n").map((line) => line.trim().split("  ")[1])).toEqual(["accepted", "answer", "finished", undefined]);
    expect(code).toBe(0);
  });

  const bad: [string, string[], unknown, string][] = [
    [
      "an unknown field",
      ["coordinate", "-"],
      { ...request, x: 1 },
      "error unknown-field: x is no field of the request; remove it or correct its name (field: x)\n",
    ],
    ["no JSON", ["coordinate", "-"], "{", "error malformed: "],
    ["no such file", ["coordinate", "other"], request, "error not-found: cannot read other"],
    [
      "a timeout of words",
      ["coordinate", "-", "--timeout", "soon"],
      request,
      "error invalid-field: --timeout must be milliseconds",
    ],
    ["a label without a value", ["agents", "--label", "zone"], request, "error invalid-field: --label must be key=value"],
    ["a hostile group", ["agents", "--group", "a.>"], request, "error invalid-field: group"],
    ["an unknown option", ["agents", "--nope"], request, "error invalid-field: unknown option '--nope'"],
    ["an unknown command", ["dance"], request, "error invalid-field: unknown command 'dance'"],
    ["a hostile prefix", ["agents", "--prefix", "a.>"], request, "error invalid-field: "],
  ];
  test.each(bad)("%s: exit code 2, the fault on stderr, nothing on stdout", async (_, args, input, line) => {
    const { out, err, code } = await nexus(args, input);
    expect(err.startsWith(line)).toBe(true);
    expect(err).not.toContain("    at ");
    expect([out, code]).toEqual(["", 2]);
  });

  test("a refusal by the router: 2 where the request is at fault, 1 where it may pass", async () => {
    const refuse = (code: string, retryable: boolean) => () => ({
      v: 1,
      status: "failed",
      executed: "none",
      error: { code, message: "no", retryable, executed: "none" },
    });
    answer = refuse("no-targets", false);
    expect((await nexus(["coordinate", "-", "--json"])).code).toBe(2);
    answer = refuse("overloaded", true);
    expect(await nexus(["coordinate", "-", "--timeout", "100"])).toEqual({ code: 1, out: "", err: "error overloaded: no\n" });
  });
});

describe("the others", () => {
  test("agents", async () => {
    expect(JSON.parse((await nexus(["agents", "--json"])).out)).toEqual([agent]);
    expect((await nexus(["agents", "--group", "none"])).out).toBe("no agents\n");
  });

  test("doctor under a prefix that no router has: the rest is still told", async () => {
    const { out, code } = await nexus(["doctor", "--prefix", "elsewhere"]);
    expect(out).toMatch(/✗ router {2,}nobody listens/);
    expect(out).toContain("– agents           needs: router\n");
    expect(out).toMatch(/! services .*not there: consensus/);
    expect(code).toBe(1);
  });

  test("no server: doctor says what to do, agents fails with one line", async () => {
    const gone = { NEXUS_NATS_URL: "nats://127.0.0.1:1", REDIS_URL: "redis://127.0.0.1:1" };
    const doctor = await nexus(["doctor"], request, gone);
    expect(doctor.out).toContain("✗ nats-server      no NATS server at 127.0.0.1:1: ECONNREFUSED\n");
    expect(doctor.out).toContain("✗ redis            no Redis at 127.0.0.1:1: ECONNREFUSED\n");
    expect(doctor.code).toBe(1);
    const agents = await nexus(["agents"], request, gone);
    expect(agents.err).toMatch(/^error disconnected: [^\n]+\n$/);
    expect(agents.code).toBe(1);
  });

  const commands = "coordinate doctor agents up watch top trace completion requests context members gossip".split(" ");
  const nested = ["requests get", "requests cancel", "requests rows", "requests missing", "context add", "context use"];
  const shared = ["gossip get", "gossip put", "gossip delete", "gossip converged"];
  test.each(["", ...commands, ...nested, ...shared, "context list", "context show", "context remove"])(
    "help of %s has examples",
    async (command) => {
      const { out, code } = await nexus([...command.split(" ").filter((word) => word !== ""), "--help"]);
      expect(out).toContain("Examples:");
      expect(code).toBe(0);
    },
  );

  test("its version", async () => {
    expect(await nexus(["--version"])).toMatchObject({ code: 0, out: `${VERSION}\n`, err: "" });
  });

  test("the stack with --debug alone", async () => {
    expect((await nexus(["coordinate", "other", "--debug"])).err).toContain("    at ");
  });

  test("up hands its options to the embedded stack", () => {
    expect(embeddedArgs({ fleet: true, traces: true })).toEqual([]);
    expect(embeddedArgs({ fleet: false, traces: false, once: "-", port: "0", json: true })).toEqual([
      "--once=-",
      "--port=0",
      "--no-fleet",
      "--no-traces",
      "--json",
    ]);
  });
});
