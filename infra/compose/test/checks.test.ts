/** Each check is shown what it must not accept. */
import { describe, expect, test } from "vitest";
import { type GatherResult, shortfall } from "../checks/coordination.ts";
import { lacks, usersIn } from "../checks/hardening.ts";
import { disconnections, type Span } from "../checks/trace.ts";
import type { ContainerState } from "../docker.ts";

describe("a trace", () => {
  const span = (spanId: string, parentSpanId: string, name: string): Span => ({ spanId, parentSpanId, name });
  const whole = [
    { spanId: "1", name: "publish nexus.coordinate.gather" },
    span("2", "1", "process nexus.coordinate.gather"),
    ...Array.from({ length: 24 }, (_, index) => span(`h${index}`, "2", "process stats")),
  ];

  test("is connected from the client to 24 handlers", () => {
    expect(disconnections(whole)).toEqual([]);
  });

  test.each([
    ["the client's span is missing", whole.slice(1), ["roots: none", expect.stringContaining("orphans: process nexus")]],
    [
      "the router's span is missing",
      whole.filter(({ spanId }) => spanId !== "2"),
      ["no span of a router", expect.stringContaining("orphans:")],
    ],
    ["a handler is missing", whole.slice(0, -1), ["23 of 24 spans of handlers"]],
    ["a handler is twice there", [...whole, span("x", "2", "process stats")], ["25 of 24 spans of handlers"]],
    ["there is a second root", [...whole, span("x", "", "elsewhere")], [expect.stringContaining("elsewhere")]],
    ["a span hangs in the air", [...whole, span("x", "nobody", "lost")], ["orphans: lost"]],
  ])("%s", (_what, spans, faults) => {
    expect(disconnections(spans)).toEqual(faults);
  });
});

describe("a container", () => {
  const confined = {
    Id: "1",
    HostConfig: {
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      Memory: 1,
      NanoCpus: 1,
      PidsLimit: 1,
      RestartPolicy: { Name: "unless-stopped" },
      LogConfig: { Config: { "max-size": "10m" } },
    },
    NetworkSettings: { Ports: { "4222/tcp": [{ HostIp: "127.0.0.1" }], "8222/tcp": null } },
  } as unknown as ContainerState;
  const but = (change: object) => lacks({ ...confined, HostConfig: { ...confined.HostConfig, ...change } });

  test("that has everything lacks nothing", () => {
    expect(lacks(confined)).toEqual([]);
  });

  test.each([
    [{ ReadonlyRootfs: false }, "a read-only root"],
    [{ CapDrop: null }, "dropped capabilities"],
    [{ SecurityOpt: null }, "no-new-privileges"],
    [{ Memory: 0 }, "a memory limit"],
    [{ NanoCpus: 0 }, "a CPU limit"],
    [{ PidsLimit: null }, "a limit of processes"],
    [{ RestartPolicy: { Name: "no" } }, "a restart policy"],
    [{ LogConfig: { Config: null } }, "a bound of its log"],
  ])("%o", (change, lack) => {
    expect(but(change)).toEqual([lack]);
  });

  test("may publish nothing beyond the loopback interface", () => {
    const ports = { NetworkSettings: { Ports: { "4222/tcp": [{ HostIp: "127.0.0.1" }, { HostIp: "0.0.0.0" }] } } };
    expect(lacks({ ...confined, ...ports })).toEqual(["ports on the loopback interface alone"]);
  });

  test("tells its users by number", () => {
    const top =
      "UID                 PID                 COMMAND\n1000                12                  /sbin/docker-init -- node\n0   13  node x\n";
    expect(usersIn(top)).toEqual([
      { uid: "1000", pid: "12" },
      { uid: "0", pid: "13" },
    ]);
  });
});

describe("a result", () => {
  const result = (status: string, contributors: number) =>
    ({
      status,
      outcome: { contributors },
      agents: { missing: [{ agent: "shard-7", reason: "slow" }] },
    }) as unknown as GatherResult;

  test("is the answer of every agent, or says what it lacks", () => {
    expect(shortfall(result("completed", 24))).toBeUndefined();
    expect(shortfall(result("completed", 23))).toContain("23 of 24 answers");
    expect(shortfall(result("partial", 24))).toContain("partial");
    expect(shortfall(result("partial", 23))).toContain("shard-7 slow");
  });
});
