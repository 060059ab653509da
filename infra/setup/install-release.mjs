// @ts-check
/**
 * Installs a server from its official release into the project's own `.nexus/bin`.
 *
 * Invariants
 *  R1 Nothing is unpacked before the whole archive has the pinned SHA-256; another one is deleted.
 *  R2 The server appears in its place whole and after it has run once, or not at all.
 */
import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runQuiet } from "./child-process.mjs";
import { ownBinDir } from "./find-servers.mjs";

const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024;
const DOWNLOAD_MS_MAX = 5 * 60_000;

/**
 * Streams a file to disk and hashes it on the way.
 *
 * @param {string} url
 * @param {string} path
 * @param {number} [bytesMax]
 * @returns {Promise<string>} SHA-256, hex
 * @throws {Error} on a refused connection, a status other than 200, or more than `bytesMax` bytes
 */
export async function download(url, path, bytesMax = ARCHIVE_BYTES_MAX) {
  const signal = AbortSignal.timeout(DOWNLOAD_MS_MAX);
  const response = await fetch(url, { signal }).catch((error) => {
    throw new Error(`${url} cannot be reached (${error.cause?.code ?? error.cause?.message ?? error.message})`);
  });
  if (!response.ok || response.body === null) throw new Error(`${url} answers ${response.status}`);
  const hash = createHash("sha256");
  let bytes = 0;
  const measure = new Transform({
    transform(chunk, _encoding, callback) {
      bytes += chunk.length;
      hash.update(chunk);
      callback(bytes > bytesMax ? new Error(`${url} is larger than ${bytesMax} bytes`) : null, chunk);
    },
  });
  const body = /** @type {import("node:stream/web").ReadableStream} */ (response.body);
  await pipeline(Readable.fromWeb(body), measure, createWriteStream(path), { signal });
  return hash.digest("hex");
}

/**
 * @param {string} server  file name in `.nexus/bin`
 * @param {import("./release-pins.mjs").ReleasePin} pin
 * @param {Pick<import("./install-packages.mjs").Context, "root" | "env" | "relay">} context
 * @returns {Promise<string>} path of the installed server
 * @throws {Error} with one sentence that says why not
 */
export async function installRelease(server, pin, { root, env, relay }) {
  const binDir = ownBinDir(root);
  mkdirSync(binDir, { recursive: true });
  const workDir = mkdtempSync(join(root, ".nexus", `${server}-`));
  const clean = () => rmSync(workDir, { recursive: true, force: true });
  process.once("exit", clean); // also when a signal ends the set-up
  try {
    const archive = join(workDir, "release.tar.gz");
    const url = `${(env[pin.baseUrlVariable] || pin.baseUrl).replace(/\/+$/, "")}/${pin.path}`;
    const sha256 = await download(url, archive);
    if (sha256 !== pin.sha256) {
      rmSync(archive); // R1
      throw new Error(`${url} has SHA-256 ${sha256} and not the pinned ${pin.sha256}: refused and deleted`);
    }
    /** @type {(command: string, args: string[]) => Promise<void>} */
    const run = async (command, args) => {
      const { ok, reason, output } = await runQuiet({ command, args, cwd: workDir, env, relay });
      if (!ok) throw new Error(`${command} ${args.join(" ")}: ${reason}\n${output}`.trimEnd());
    };
    await run("tar", ["-xzf", archive, "-C", workDir]);
    if (pin.form === "source") await run("make", makeArguments(workDir, pin));
    const built = join(workDir, pin.member);
    await run(built, ["--version"]); // R2
    const installed = join(binDir, server);
    renameSync(built, installed);
    return installed;
  } finally {
    process.off("exit", clean);
    clean();
  }
}

/**
 * Redis with the allocator of the C library and without TLS: it needs nothing but make and a compiler,
 * and serves the loopback interface only.
 *
 * @param {string} workDir
 * @param {import("./release-pins.mjs").ReleasePin} pin
 */
function makeArguments(workDir, pin) {
  const jobs = typeof availableParallelism === "function" ? availableParallelism() : cpus().length;
  const [folder = ""] = pin.member.split("/");
  return ["-C", join(workDir, folder), `-j${jobs}`, "MALLOC=libc", "BUILD_TLS=no", "USE_SYSTEMD=no", "redis-server"];
}
