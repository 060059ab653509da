/**
 * Installing a server, with everything outside made up and on the loopback interface: the release comes
 * from an HTTP server of the test, apt-get is a script in a PATH that holds nothing else.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSignalRelay } from "../child-process.mjs";
import { findCommand } from "../find-servers.mjs";
import { download, installRelease } from "../install-release.mjs";
import { ensureServers } from "../install-server.mjs";
import { createProgress } from "../progress.mjs";
import type { ReleasePin } from "../release-pins.mjs";

const relay = openSignalRelay();
const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

let root = "";
let server: Server;
let baseUrl = "";
let served: Map<string, Buffer>;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "nexus-server-"));
  served = new Map();
  server = createServer((request, response) => {
    const body = served.get(request.url ?? "");
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

/** Packs files (path → content) as a release archive and serves it at /made-up.tar.gz. */
function serveArchive(files: Record<string, string>): Buffer {
  const dir = mkdtempSync(join(root, "pack-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), content, { mode: 0o755 });
  }
  const archive = execFileSync("tar", ["-czf", "-", "-C", dir, "."], { maxBuffer: 2 ** 24 });
  rmSync(dir, { recursive: true });
  served.set("/made-up.tar.gz", archive);
  return archive;
}

const SERVER_SCRIPT = "#!/bin/sh\necho made-up-server v1\n";
const pinOf = (archive: Buffer, changes: Partial<ReleasePin> = {}): ReleasePin => ({
  form: "binary",
  version: "1",
  path: "made-up.tar.gz",
  sha256: sha256(archive),
  member: "made-up-1/nats-server",
  baseUrl: "http://127.0.0.1:1/not-the-mirror",
  baseUrlVariable: "NEXUS_NATS_RELEASE_URL",
  ...changes,
});
const install = (pin: ReleasePin, env: NodeJS.ProcessEnv = {}) =>
  installRelease("nats-server", pin, {
    root,
    env: { ...process.env, NEXUS_NATS_RELEASE_URL: `${baseUrl}/`, ...env },
    relay,
  });
/** Everything that an installation may leave, with paths from `.nexus`. */
const left = () => readdirSync(join(root, ".nexus"), { recursive: true }).map(String).sort();

describe("a release", () => {
  test("with the pinned checksum is installed and runs", async () => {
    const path = await install(pinOf(serveArchive({ "made-up-1/nats-server": SERVER_SCRIPT })));
    expect(path).toBe(join(root, ".nexus/bin/nats-server"));
    expect(execFileSync(path, { encoding: "utf8" })).toBe("made-up-server v1\n");
    expect(left()).toEqual(["bin", "bin/nats-server"]);
  });

  test("with another checksum is refused and deleted before it is unpacked", async () => {
    const pin = pinOf(serveArchive({ "made-up-1/nats-server": SERVER_SCRIPT }));
    serveArchive({ "made-up-1/nats-server": "#!/bin/sh\necho something else\n" });
    await expect(install(pin)).rejects.toThrow(/not the pinned [0-9a-f]{64}: refused and deleted/);
    expect(left()).toEqual(["bin"]);
  });

  test("that does not run leaves nothing behind", async () => {
    const pin = pinOf(serveArchive({ "made-up-1/nats-server": "#!/bin/sh\necho wrong machine\nexit 3\n" }));
    await expect(install(pin)).rejects.toThrow(/exit code 3[\s\S]*wrong machine/);
    expect(left()).toEqual(["bin"]);
  });

  test("that is no archive leaves nothing behind", async () => {
    const rubbish = Buffer.from("<html>sign in</html>");
    served.set("/made-up.tar.gz", rubbish);
    await expect(install(pinOf(rubbish))).rejects.toThrow(/^tar /);
    expect(left()).toEqual(["bin"]);
  });

  test("as source is built", async (context) => {
    if (findCommand("make", process.env) === null) context.skip("make is not installed");
    const makefile = `redis-server:\n\tmkdir -p src\n\tprintf '${SERVER_SCRIPT.replaceAll("\n", "\\n")}' > src/redis-server\n\tchmod +x src/redis-server\n`;
    const pin = pinOf(serveArchive({ "redis-1/Makefile": makefile }), { form: "source", member: "redis-1/src/redis-server" });
    expect(execFileSync(await install(pin), { encoding: "utf8" })).toBe("made-up-server v1\n");
    expect(left()).toEqual(["bin", "bin/nats-server"]);
  });

  test("that does not build says what the compiler said", async (context) => {
    if (findCommand("make", process.env) === null) context.skip("make is not installed");
    const files = { "redis-1/Makefile": "redis-server:\n\techo zmalloc.h: no such file; exit 2\n" };
    const pin = pinOf(serveArchive(files), { form: "source", member: "redis-1/src/redis-server" });
    await expect(install(pin)).rejects.toThrow(/^make [\s\S]*zmalloc\.h: no such file/);
    expect(left()).toEqual(["bin"]);
  });
});

describe("a download", () => {
  const target = () => join(root, "file");

  test("gives the checksum of what it wrote", async () => {
    const archive = serveArchive({ a: "a" });
    expect(await download(`${baseUrl}/made-up.tar.gz`, target())).toBe(sha256(archive));
    expect(readFileSync(target())).toEqual(archive);
  });

  test("stops at its largest size", async () => {
    served.set("/large", Buffer.alloc(1_000_001));
    await expect(download(`${baseUrl}/large`, target(), 1_000_000)).rejects.toThrow("larger than 1000000 bytes");
  });

  test("names the status and the refused connection", async () => {
    await expect(download(`${baseUrl}/absent`, target())).rejects.toThrow("answers 404");
    await expect(download("http://127.0.0.1:1/x", target())).rejects.toThrow("cannot be reached");
  });
});

describe("the methods, one after the other", () => {
  const facts = {
    platform: "linux",
    arch: "x64",
    uid: 0,
    hasAptGet: true,
    hasSudo: false,
    hasBrew: false,
    hasTar: true,
    hasCompiler: false,
    hasSystemd: false,
  };
  let lines = "";

  /** A context whose PATH has a made-up apt-get and the few tools that are needed, and no real server. */
  function context(aptGet: string) {
    const bin = join(root, "path");
    mkdirSync(bin);
    for (const name of ["env", "tar", "gzip"]) {
      const real = findCommand(name, process.env);
      if (real !== null) symlinkSync(real, join(bin, name));
    }
    writeFileSync(join(bin, "apt-get"), `#!/bin/sh\n${aptGet}\n`);
    chmodSync(join(bin, "apt-get"), 0o755);
    lines = "";
    const stream = { write: (text: string) => (lines += text) };
    const env = { PATH: bin, NEXUS_NATS_RELEASE_URL: baseUrl };
    return { root, env, relay, progress: createProgress(stream), packageDirs: [] };
  }

  test("the first that works ends the search", async () => {
    // The script stands for the package: it puts the server beside itself, with what a shell has built in.
    const script = `case "$*" in *install*) printf '' > "\${0%/*}/nats-server"; exec "\${0%/*}/chmod" 755 "\${0%/*}/nats-server";; esac`;
    const made = context(script);
    symlinkSync(findCommand("chmod", process.env) ?? "", join(root, "path/chmod"));
    const paths = await ensureServers(["nats-server"], made, facts);
    expect(paths.get("nats-server")).toBe(join(root, "path/nats-server"));
    expect(lines).toContain("nats-server installed with apt-get");
  });

  test("each failure is said, and at the end there is a sentence for the person", async () => {
    const made = context("echo E: no such package >&2; exit 100");
    served.set("/v2.12.4/nats-server-v2.12.4-linux-amd64.tar.gz", Buffer.from("not the release"));
    await expect(ensureServers(["nats-server"], made, facts)).rejects.toThrow(/install it .* NEXUS_NATS_SERVER/);
    expect(lines).toMatch(/update: exit code 100; going on\. E: no such package/);
    expect(lines).toMatch(/installing nats-server with apt-get: .*install.*exit code 100.*E: no such package/);
    expect(lines).toMatch(/with the official release: .*refused and deleted/);
    expect(existsSync(join(root, ".nexus/bin/nats-server"))).toBe(false);
  });

  test("a package that brings no server is no success", async () => {
    const made = context("exit 0");
    await expect(ensureServers(["nats-server"], made, { ...facts, arch: "riscv64" })).rejects.toThrow("install it");
    expect(lines).toContain("still not found");
  });

  test("a variable that names nothing is not covered up by an installation", async () => {
    const made = context("exit 0");
    const env = { ...made.env, NEXUS_NATS_SERVER: "/absent/nats-server" };
    await expect(ensureServers(["nats-server"], { ...made, env }, facts)).rejects.toThrow("NEXUS_NATS_SERVER=/absent");
    expect(lines).toBe("");
  });
});
