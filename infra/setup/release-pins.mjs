// @ts-check
/**
 * Official releases that may be downloaded, each pinned by SHA-256.
 *
 * Sources: nats-server from the Dockerfiles of nats-io/nats-docker (2.12.x/alpine3.22) as they are built
 * into the official image; redis from the official `redis:7.2` image (REDIS_DOWNLOAD_SHA). Redis 7.2 is
 * the last line under the BSD licence. A new version is a new pin here and nothing else.
 *
 * @typedef {object} ReleasePin
 * @property {"binary" | "source"} form   "source" is built with make and a C compiler
 * @property {string} version
 * @property {string} path                below the base URL
 * @property {string} sha256              hex, of the whole archive
 * @property {string} member              the executable inside the unpacked archive (after the build)
 * @property {string} baseUrl             used when baseUrlVariable is not set
 * @property {string} baseUrlVariable     environment variable that names a mirror
 */

const NATS_VERSION = "2.12.4";
const REDIS_VERSION = "7.2.12";

/** Node's platform and architecture → the name in the archive and its digest. */
const NATS_ARCHIVES = {
  "linux-x64": { arch: "amd64", sha256: "92388f2e4aa1e6dea402eb173cbdb1fcb1df9a9c899cb807b91ddbb45c131b65" },
  "linux-arm64": { arch: "arm64", sha256: "44a6ff34eff7e8d0e1409dbac0b733cff7ecbb4f19388a4d0d3d6085d899f017" },
};

/** @type {Record<string, ReleasePin>} */
const NATS_PINS = Object.fromEntries(
  Object.entries(NATS_ARCHIVES).map(([target, { arch, sha256 }]) => {
    const folder = `nats-server-v${NATS_VERSION}-linux-${arch}`;
    return [
      target,
      {
        form: "binary",
        version: NATS_VERSION,
        path: `v${NATS_VERSION}/${folder}.tar.gz`,
        sha256,
        member: `${folder}/nats-server`,
        baseUrl: "https://github.com/nats-io/nats-server/releases/download",
        baseUrlVariable: "NEXUS_NATS_RELEASE_URL",
      },
    ];
  }),
);

/** @type {ReleasePin} */
const REDIS_PIN = {
  form: "source",
  version: REDIS_VERSION,
  path: `redis-${REDIS_VERSION}.tar.gz`,
  sha256: "97c60478a7c777ac914ca9d87a7e88ba265926456107e758c62d8f971d0196bc",
  member: `redis-${REDIS_VERSION}/src/redis-server`,
  baseUrl: "https://download.redis.io/releases",
  baseUrlVariable: "NEXUS_REDIS_RELEASE_URL",
};

/**
 * @param {import("./verbs.mjs").ServerName} server
 * @param {string} platform  as process.platform
 * @param {string} arch      as process.arch
 * @returns {ReleasePin | null} null when no release is pinned for this machine
 */
export function releasePin(server, platform, arch) {
  if (server === "redis-server") return platform === "linux" || platform === "darwin" ? REDIS_PIN : null;
  return NATS_PINS[`${platform}-${arch}`] ?? null;
}
