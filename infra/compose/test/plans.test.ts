/** What is decided before anything is done: images, stand-ins, installations, options. */
import { describe, expect, test } from "vitest";
import { wantedImages } from "../images.ts";
import { planInstallation } from "../install-tools.ts";
import { parseOptions } from "../options.ts";
import { planStandIns } from "../stand-in-plan.ts";

describe("the images", () => {
  const variable = (name: string, value: string) => `image: \${${name}:-${value}}`;
  const file = [variable("NATS_IMAGE", "nats:1"), variable("REDIS_IMAGE", "redis:2"), variable("JAEGER_IMAGE", "jaeger:3")]
    .concat(variable("NODE_IMAGE", "node:4"))
    .join("\n");

  test("are the file's, but for what the environment names; an empty variable names nothing", () => {
    const images = wantedImages(file, { REDIS_IMAGE: "mine:9", NATS_IMAGE: "" });
    expect(Object.fromEntries(images.map(({ variable, reference }) => [variable, reference]))).toEqual({
      NODE_IMAGE: "node:4",
      NATS_IMAGE: "nats:1",
      REDIS_IMAGE: "mine:9",
      JAEGER_IMAGE: "jaeger:3",
    });
  });

  test("without a default are a defect", () => {
    expect(() => wantedImages("image: nats", {})).toThrow("no default for NODE_IMAGE");
  });
});

describe("the stand-ins", () => {
  const names = (...missing: Parameters<typeof planStandIns>[0]) => planStandIns(missing).map(({ name }) => name);

  test("are built in order, and nothing that nobody misses", () => {
    expect(names()).toEqual([]);
    expect(names("redis", "jaeger", "nats", "node")).toEqual(["debian", "node", "nats", "redis", "jaeger"]);
    expect(names("redis")).toEqual(["debian", "redis"]);
    // On the Node image that is there.
    expect(names("jaeger")).toEqual(["jaeger"]);
  });

  test("come after what they are built on", () => {
    const plan = planStandIns(["node", "nats", "redis", "jaeger"]);
    for (const [index, standIn] of plan.entries()) {
      if (standIn.from !== "debootstrap") expect(plan.slice(0, index).map(({ name }) => name)).toContain(standIn.from);
    }
  });

  test("need no network to build the image that the application is built on", () => {
    expect(planStandIns(["node"])).toContainEqual(expect.objectContaining({ name: "node", needsNetwork: false }));
  });
});

describe("the installation", () => {
  const plan = (...there: string[]) => planInstallation(["dockerd", "docker-compose"], (command) => there.includes(command));

  test("brings what is missing, once, and keeps its services from starting", () => {
    expect(plan()).toEqual({
      packages: ["docker.io", "docker-compose"],
      units: ["docker.service", "docker.socket", "containerd.service"],
    });
  });

  test("does not touch the containerd of somebody else", () => {
    expect(plan("containerd").units).toEqual(["docker.service", "docker.socket"]);
  });

  test("brings nothing where nothing is missing", () => {
    expect(plan("dockerd", "docker-compose")).toEqual({ packages: [], units: [] });
  });

  test("brings the command line alone where the engine came without", () => {
    expect(planInstallation(["docker"], () => false)).toEqual({ packages: ["docker-cli"], units: [] });
  });
});

describe("the command line", () => {
  test("knows its options and refuses others by name", () => {
    expect(parseOptions(["--json", "--offline"])).toEqual({
      kind: "run",
      options: { json: true, offline: true, strict: false, fresh: false },
    });
    expect(parseOptions(["--jason"])).toEqual({ kind: "refused", message: "unknown argument --jason" });
    expect(parseOptions(["--jason", "-h"])).toEqual({ kind: "help" });
  });
});
