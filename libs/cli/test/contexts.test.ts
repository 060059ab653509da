/** Contexts: kept for their user alone, shown without secrets, and T1: credentials go to their own server alone. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { targetOf } from "../src/contexts/target.ts";
import { runNexus } from "./run-nexus.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "nexus-contexts-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const path = () => join(home, "nexus", "contexts.json");
const context = (args: string[], more: { environment?: Record<string, string>; input?: string } = {}) =>
  runNexus(["context", ...args], { ...more, environment: { XDG_CONFIG_HOME: home, ...more.environment } });

const prod = ["add", "prod", "--server", "nats://prod:4222", "--user", "ops", "--password", "geheim"];

describe("the command", () => {
  test("add, use, list, show, remove", async () => {
    expect(await context([...prod, "--description", "the real one", "--use"])).toMatchObject({ code: 0, out: "" });
    await context(["add", "local", "--prefix", "mine"]);
    const list = JSON.parse((await context(["list", "--json"])).out);
    expect(list).toEqual([
      {
        ...{ name: "prod", current: true, description: "the real one" },
        ...{ server: "nats://prod:4222", user: "ops", password: "***" },
      },
      { name: "local", current: false, prefix: "mine" },
    ]);
    expect((await context(["list"])).out).toMatch(/│ \* │ prod .*│ the real one │/);
    await context(["use", "local"]);
    expect((await context(["show"])).out).toBe("local  (in use)\n  prefix  mine\n");
    expect((await context(["remove", "local"])).err).toContain("none is in use now");
    expect(JSON.parse(readFileSync(path(), "utf8"))).toMatchObject({ contexts: { prod: { password: "geheim" } } });
    expect(JSON.parse(readFileSync(path(), "utf8"))).not.toHaveProperty("current");
  });

  test("the file is its user's alone, also where it was not before, and nothing is left beside it", async () => {
    mkdirSync(join(home, "nexus"));
    writeFileSync(path(), '{"contexts":{}}', { mode: 0o644 });
    await context(prod);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(home, "nexus"))).toEqual(["contexts.json"]);
    rmSync(join(home, "nexus"), { recursive: true });
    await context(prod);
    expect(statSync(join(home, "nexus")).mode & 0o777).toBe(0o700);
  });

  test("no secret is shown, nor one within an address", async () => {
    await context([
      "add",
      "a",
      "--server",
      "nats://me:g@heim@h:1,nats://b,me:geheim@c",
      "--token",
      "geheim",
      "--redis-url",
      "redis://u:geheim@r",
    ]);
    for (const args of [["show", "a"], ["show", "a", "--json"], ["list"], ["list", "--json"]]) {
      const { out } = await context(args);
      expect(out).not.toMatch(/geheim|heim/);
      expect(out).toContain("nats://***@h:1,nats://b,***@c");
    }
  });

  test("a secret from stdin is its first line", async () => {
    await context(["add", "a", "--password", "-"], { input: "from stdin\nmore" });
    expect(JSON.parse(readFileSync(path(), "utf8")).contexts.a.password).toBe("from stdin");
  });

  const faults: [string, string[], RegExp][] = [
    ["a name twice", prod, /there is a context "prod" already; --replace/],
    ["a hostile name", ["add", "../x"], /must match/],
    ["an unknown one", ["use", "nope"], /no context "nope"; there are: prod/],
    ["a name of every object", ["show", "constructor"], /no context "constructor"/],
    ["a URL that is none", ["add", "b", "--traces-url", "jaeger"], /tracesUrl: must be http/],
    ["an empty secret", ["add", "b", "--token", "-"], /first line of stdin, which is empty/],
  ];
  test.each(faults)("%s: exit code 2, and what to do", async (_, args, message) => {
    await context(prod);
    const { code, err, out } = await context(args, { input: "" });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
  });

  test("a file that is broken is named, and nothing that is in it", async () => {
    mkdirSync(join(home, "nexus"));
    writeFileSync(path(), '{"contexts":{"a":{"password":geheim}}}');
    const { code, err } = await context(["list"]);
    expect([code, err]).toEqual([2, expect.stringContaining(path())]);
    expect(err).not.toContain("geheim");
  });

  test("of several that write at once none is lost: each waits for the one before", async () => {
    mkdirSync(join(home, "nexus"));
    const lock = `${path()}.lock`;
    writeFileSync(lock, "");
    const adding = context(["add", "later"]);
    await new Promise(setImmediate);
    writeFileSync(path(), '{"contexts":{"earlier":{}}}');
    rmSync(lock);
    expect(await adding).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(path(), "utf8")).contexts).toEqual({ earlier: {}, later: {} });
    expect(readdirSync(join(home, "nexus"))).toEqual(["contexts.json"]);
  });

  test("what a writer that died left is cleared away; one that lives is waited for, and then named", async () => {
    await context(prod);
    const lock = `${path()}.lock`;
    writeFileSync(lock, "");
    const { code, err } = await context(["use", "prod"]);
    expect([code, err]).toEqual([1, expect.stringContaining(lock)]);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, longAgo, longAgo);
    expect(await context(["use", "prod"])).toMatchObject({ code: 0 });
    expect(readdirSync(join(home, "nexus"))).toEqual(["contexts.json"]);
  });

  test("a link to the file stays one", async () => {
    mkdirSync(join(home, "nexus"));
    writeFileSync(join(home, "elsewhere.json"), '{"contexts":{}}');
    symlinkSync(join(home, "elsewhere.json"), path());
    await context(prod);
    expect(lstatSync(path()).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(join(home, "elsewhere.json"), "utf8")).contexts).toHaveProperty("prod");
  });
});

describe("what a command speaks to", () => {
  const target = (options: object, environment: Record<string, string> = {}) =>
    targetOf(options, { environment: { XDG_CONFIG_HOME: home, ...environment } });
  const fromEnvironment = { NEXUS_NATS_URL: "nats://env:1", NEXUS_PREFIX: "env" };
  beforeEach(async () => {
    await context([...prod, "--prefix", "prod", "--traces-url", "http://jaeger:16686", "--use"]);
    await context(["add", "staging", "--server", "nats://staging:4222", "--token", "t"]);
  });

  test("the context in use, below the environment, below an option", () => {
    expect(target({})).toMatchObject({ server: "nats://prod:4222", prefix: "prod", context: "prod" });
    expect(target({}, fromEnvironment)).toMatchObject({ server: "nats://env:1", prefix: "env" });
    expect(target({ server: "nats://option:1" }, fromEnvironment)).toMatchObject({ server: "nats://option:1", prefix: "env" });
  });

  test("--context goes before the environment; NEXUS_CONTEXT before the one in use", () => {
    expect(target({ context: "staging" }, fromEnvironment)).toMatchObject({ server: "nats://staging:4222", prefix: "env" });
    expect(target({}, { NEXUS_CONTEXT: "staging" })).toMatchObject({
      server: "nats://staging:4222",
      credentials: { token: "t" },
    });
    expect(target({ context: "prod" }, { NEXUS_CONTEXT: "staging" })).toMatchObject({ context: "prod", prefix: "prod" });
  });

  test("T1: another server never sees a context's credentials", () => {
    const none = { user: undefined, password: undefined, token: undefined, creds: undefined };
    expect(target({}).credentials).toMatchObject({ user: "ops", password: "geheim" });
    expect(target({ server: "nats://other:1" })).toMatchObject({ credentials: none, tracesUrl: "http://jaeger:16686" });
    expect(target({ server: "nats://other:1", context: "prod" }).credentials).toEqual(none);
    expect(target({}, fromEnvironment).credentials).toEqual(none);
    expect(target({}, { ...fromEnvironment, NEXUS_NATS_TOKEN: "e" }).credentials).toEqual({ ...none, token: "e" });
  });

  test("credentials are one source's, not of several", () => {
    expect(target({ context: "staging" }, { NEXUS_NATS_USER: "e", NEXUS_NATS_PASSWORD: "e" }).credentials).toMatchObject({
      user: undefined,
      token: "t",
    });
  });

  test("without a home there is none", () => {
    expect(targetOf({}, { environment: {} })).toMatchObject({ server: "nats://127.0.0.1:4222", context: undefined });
  });
});
