/** Where servers are looked for, and in which order; the file system is a set of paths. */
import { describe, expect, test } from "vitest";
import { findServer } from "../find-servers.mjs";

const look = (files: string[], env: Record<string, string> = {}) =>
  findServer("nats-server", {
    env: { PATH: "/home/me/bin:/usr/bin", ...env },
    root: "/project",
    isExecutable: (path) => files.includes(path),
  });

describe("finding a server", () => {
  const everywhere = ["/opt/mine", "/home/me/bin/nats-server", "/usr/sbin/nats-server", "/project/.nexus/bin/nats-server"];

  test("the variable wins, then PATH, then the package directories, then the project's own", () => {
    expect(look(everywhere, { NEXUS_NATS_SERVER: "/opt/mine" })).toEqual({ path: "/opt/mine" });
    expect(look(everywhere)).toEqual({ path: "/home/me/bin/nats-server" });
    expect(look(everywhere.slice(2))).toEqual({ path: "/usr/sbin/nats-server" });
    expect(look(everywhere.slice(3))).toEqual({ path: "/project/.nexus/bin/nats-server" });
    expect(look([])).toBeNull();
  });

  test.each(["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"])("%s needs not be on PATH", (dir) => {
    expect(look([`${dir}/nats-server`])).toEqual({ path: `${dir}/nats-server` });
  });

  test("a variable that names nothing executable is an error and not overridden", () => {
    expect(look(everywhere, { NEXUS_NATS_SERVER: "/opt/other" })).toEqual({
      error: expect.stringContaining("NEXUS_NATS_SERVER=/opt/other"),
    });
  });

  test("an empty variable is no wish, and relative entries of PATH are not searched", () => {
    expect(look(["bin/nats-server", "nats-server"], { NEXUS_NATS_SERVER: "", PATH: "bin::." })).toBeNull();
  });
});
