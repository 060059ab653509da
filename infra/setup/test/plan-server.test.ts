/** How a missing server is to be had: the table of machines, and the commands for Debian. */
import { describe, expect, test } from "vitest";
import { aptPackageSteps, aptSteps, planServer } from "../plan-server.mjs";
import { releasePin } from "../release-pins.mjs";

const bare = {
  platform: "linux",
  arch: "x64",
  uid: 1000,
  hasAptGet: false,
  hasSudo: false,
  hasBrew: false,
  hasTar: true,
  hasCompiler: false,
  hasSystemd: false,
};
const debian = { ...bare, hasAptGet: true };
const mac = { ...bare, platform: "darwin", arch: "arm64", hasBrew: true };

/** The kinds of a plan in order, with the detail that matters. */
const kinds = (server: "nats-server" | "redis-server", facts: typeof bare, found: string | null = null) =>
  planServer(server, found, facts).map((method) => {
    if (method.kind === "apt") return method.viaSudo ? "apt with sudo" : "apt";
    if (method.kind === "release") return `release (${method.pin.form})`;
    return method.kind;
  });

describe("the plan", () => {
  test.each([
    ["Debian as root", "nats-server", { ...debian, uid: 0 }, ["apt", "release (binary)", "ask"]],
    ["Debian with sudo", "nats-server", { ...debian, hasSudo: true }, ["apt with sudo", "release (binary)", "ask"]],
    ["Debian without sudo", "nats-server", debian, ["release (binary)", "ask"]],
    ["a compiler for redis", "redis-server", { ...debian, hasCompiler: true }, ["release (source)", "ask"]],
    ["no compiler for redis", "redis-server", debian, ["ask"]],
    ["another Linux on ARM", "nats-server", { ...bare, arch: "arm64" }, ["release (binary)", "ask"]],
    ["an architecture without a pin", "nats-server", { ...bare, arch: "riscv64" }, ["ask"]],
    ["no tar", "nats-server", { ...bare, hasTar: false }, ["ask"]],
    ["macOS with Homebrew", "nats-server", mac, ["brew", "ask"]],
    ["macOS, redis with a compiler", "redis-server", { ...mac, hasCompiler: true }, ["brew", "release (source)", "ask"]],
    ["Homebrew refuses root", "nats-server", { ...mac, uid: 0 }, ["ask"]],
    ["Windows", "redis-server", { ...bare, platform: "win32" }, ["ask"]],
  ] as const)("%s", (_machine, server, facts, expected) => {
    expect(kinds(server, facts)).toEqual(expected);
  });

  test("a server that is there is used and nothing else is tried", () => {
    expect(planServer("nats-server", "/opt/nats-server", { ...debian, uid: 0 })).toEqual([
      { kind: "use", path: "/opt/nats-server" },
    ]);
  });

  test("the last resort is a sentence that names the package and the variable", () => {
    const last = planServer("redis-server", null, bare).at(-1);
    expect(last).toMatchObject({ kind: "ask" });
    expect(JSON.stringify(last)).toMatch(/apt-get install redis-server.*brew install redis.*NEXUS_REDIS_SERVER/);
  });
});

describe("the commands for Debian", () => {
  const words = (options: Partial<Parameters<typeof aptSteps>[1]>) =>
    aptSteps("redis-server", { viaSudo: false, hasSystemd: false, skipUpdate: false, ...options }).map((step) =>
      [step.command, ...step.args].join(" "),
    );

  test("update, then install without recommended packages, starting no service", () => {
    expect(words({})).toEqual([
      "env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -o DPkg::Lock::Timeout=120 update",
      "env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends redis-server",
    ]);
  });

  test("sudo never asks for a password", () => {
    for (const command of words({ viaSudo: true })) expect(command).toMatch(/^sudo -n env DEBIAN_FRONTEND=/);
  });

  test("the lists are updated once", () => {
    expect(words({ skipUpdate: true }).some((command) => command.endsWith(" update"))).toBe(false);
  });

  test("under systemd the unit is masked around the installation, and unmasked even if it fails", () => {
    const steps = aptSteps("redis-server", { viaSudo: false, hasSystemd: true, skipUpdate: true });
    const verbs = steps.map((step) => step.args.find((word) => /^(mask|install|unmask|disable)$/.test(word)));
    expect(verbs).toEqual(["mask", "install", "unmask", "disable"]);
    expect(steps.map((step) => step.always)).toEqual([false, false, true, true]);
    expect(steps.filter((step) => !step.mayFail)).toHaveLength(1);
  });
});

describe("several packages", () => {
  const steps = (units: string[]) =>
    aptPackageSteps(["one", "two"], units, { viaSudo: false, hasSystemd: true, skipUpdate: true }).map(({ args }) =>
      args.slice(2).join(" "),
    );

  test("are one installation, with every unit masked meanwhile", () => {
    expect(steps(["a.service", "b.socket"])).toEqual([
      "systemctl mask --runtime a.service b.socket",
      expect.stringMatching(/^apt-get .* one two$/),
      "systemctl unmask --runtime a.service b.socket",
      "systemctl disable a.service b.socket",
    ]);
  });

  test("without a unit mask nothing", () => {
    expect(steps([])).toEqual([expect.stringMatching(/ one two$/)]);
  });
});

describe("the pins", () => {
  test.each([
    ["nats-server", "linux", "x64"],
    ["nats-server", "linux", "arm64"],
    ["redis-server", "linux", "x64"],
    ["redis-server", "darwin", "arm64"],
  ] as const)("%s on %s %s is pinned by a SHA-256 and fetched over TLS", (server, platform, arch) => {
    const pin = releasePin(server, platform, arch);
    expect(pin?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(pin?.baseUrl).toMatch(/^https:\/\//);
    expect(pin?.path).toContain(pin?.version);
  });
});
