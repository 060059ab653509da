/**
 * What docker-compose.yml promises, held for every service: health, bounds, no root, no privilege, ports on the loopback
 * interface alone, images by argument; and that it says nothing that one of the two Composes does not know.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { releasePin } from "../../setup/release-pins.mjs";
import { composeFile, composeText, read, root, services, withDefaults } from "./compose-file.ts";

/** Not the embedded composition, nor the console: Jaeger receives the traces here. */
const ownServices = readdirSync(join(root, "services")).filter((name) => !["embedded", "console"].includes(name));
const nexusServices = services.filter(([, { image }]) => image.includes("NEXUS_IMAGE"));
const seconds = (text: string) => Number(/^(\d+)s$/.exec(text)?.[1]);

describe.each(services)("%s", (_name, service) => {
  test("is asked whether it is well, often enough and with a patience that has an end", () => {
    const { healthcheck } = service;
    expect(healthcheck.test[0]).toMatch(/^CMD(?:-SHELL)?$/);
    expect(healthcheck.test.join(" ")).not.toMatch(/curl/);
    for (const time of [healthcheck.interval, healthcheck.timeout, healthcheck.start_period])
      expect(seconds(time)).toBeGreaterThan(0);
    expect(seconds(healthcheck.interval) * healthcheck.retries).toBeLessThanOrEqual(60);
  });

  test("has bounds: memory, processors, processes, logs", () => {
    expect(service.mem_limit).toMatch(/^\d+m$/);
    // A machine with one processor refuses more.
    expect(service.cpus).toBeGreaterThan(0);
    expect(service.cpus).toBeLessThanOrEqual(1);
    expect(service.pids_limit).toBeGreaterThan(0);
    expect(service.logging.options).toEqual({ "max-size": "10m", "max-file": "3" });
  });

  test("is not root, may become nothing more, and writes to volumes alone", () => {
    expect(Number.parseInt(service.user, 10)).toBeGreaterThan(0);
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    expect(service.read_only).toBe(true);
  });

  test("comes back after a crash, and is given time to stop", () => {
    expect(service.restart).toBe("unless-stopped");
    expect(service.init).toBe(true);
    expect(seconds(service.stop_grace_period)).toBeGreaterThanOrEqual(10);
  });

  test("publishes on the loopback interface alone, on ports that can be chosen", () => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
    // What is published needs a network with a way out.
    if (service.ports !== undefined) expect(service.networks).toContain("outside");
    else expect(service.networks).toEqual(["inside"]);
  });

  test("has an image by argument, with a default of an exact version", () => {
    expect(service.image).toMatch(/^\$\{(?:NEXUS|NATS|REDIS|JAEGER)_IMAGE:-[a-z/]+:\d+\.\d+\.\d+[a-z0-9.-]*\}$/);
  });

  test("waits for what it needs, by a condition that can be met", () => {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(composeFile.services[name]).toBeDefined();
      expect(condition).toMatch(/^service_(?:healthy|started)$/);
    }
  });
});

describe("the services of the project", () => {
  test("each has a container, and all have one image", () => {
    expect(ownServices.filter((name) => composeFile.services[name] === undefined)).toEqual([]);
    expect(nexusServices.map(([name]) => name)).toEqual(
      expect.arrayContaining([...ownServices, "fleet-a", "fleet-b", "fleet-c"]),
    );
    expect(new Set(nexusServices.map(([, { image }]) => image)).size).toBe(1);
  });

  test("the image is built once, by the last of them, as docker-compose 1.29.2 wants it", () => {
    expect(services.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual(["router"]);
    expect(nexusServices.at(-1)?.[0]).toBe("router");
  });

  test("no registry is asked for what is built here", () => {
    for (const [, { pull_policy }] of nexusServices) expect(pull_policy).toBe("never");
  });

  test.each(nexusServices)("%s runs a program that is there, and is asked by Node itself", (name, { command, healthcheck }) => {
    const [program = ""] = command ?? [];
    expect(existsSync(join(root, program))).toBe(true);
    if (ownServices.includes(name)) expect(program).toBe(`services/${name}/src/main.ts`);
    expect(healthcheck.test).toEqual(["CMD", "node", "infra/docker/healthcheck.mjs"]);
  });

  test("routers can be many: no name, no instance, no port of their own", () => {
    expect(composeText).not.toContain("container_name");
    for (const [, { environment }] of nexusServices) expect(environment).not.toHaveProperty("NEXUS_INSTANCE");
    expect(composeFile.services["router"]?.ports).toBeUndefined();
  });

  test("traces go to Jaeger over OTLP/HTTP, metrics nowhere, and nobody waits for it", () => {
    for (const [, { environment, depends_on }] of nexusServices) {
      expect(environment?.["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]).toBe("http://jaeger:4318/v1/traces");
      expect(environment).not.toHaveProperty("OTEL_EXPORTER_OTLP_ENDPOINT");
      expect(depends_on?.["jaeger"]?.condition).toBe("service_started");
      expect(depends_on?.["nats"]?.condition).toBe("service_healthy");
    }
  });
});

describe("the versions", () => {
  const defaultOf = (variable: string) => new RegExp(`\\$\\{${variable}:-([^}]+)\\}`).exec(composeText)?.[1] ?? "";

  test("Node is the project's own, and the Dockerfile's default is the same", () => {
    const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: Record<string, string> };
    expect(defaultOf("NODE_IMAGE")).toBe(`node:${devDependencies["node"]}-bookworm-slim`);
    expect(read("infra/docker/Dockerfile")).toContain(`ARG NODE_IMAGE=${defaultOf("NODE_IMAGE")}\n`);
  });

  test("NATS and Redis are the releases that the set-up pins", () => {
    expect(defaultOf("NATS_IMAGE")).toMatch(new RegExp(`^nats:${releasePin("nats-server", "linux", "x64")?.version}-alpine`));
    expect(defaultOf("REDIS_IMAGE")).toBe(`redis:${releasePin("redis-server", "linux", "x64")?.version}-alpine`);
  });

  test("a variable has one default, wherever it stands", () => {
    const defaults = [...composeText.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name, value]) => `${name}=${value}`);
    const names = [...new Set(defaults)].map((text) => text.split("=")[0]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("docs/compose.md explains every variable, with its default", () => {
    const docs = read("docs/compose.md");
    for (const [, name, value] of composeText.matchAll(/\$\{(\w+):-([^}]*)\}/g))
      expect(docs).toContain(`| \`${name}\` | \`${value}\` |`);
  });
});

describe("both Composes", () => {
  test("know every section and every key", () => {
    // docker-compose 1.29.2 refuses what it does not know; of what v2 alone knows this is what comes to mind.
    const sections = Object.keys(composeFile).filter((name) => !name.startsWith("x-"));
    expect(sections).toEqual(["services", "networks", "volumes"]);
    const v2Only = /^\s*(?:include|name|version|start_interval|develop|attach|gpus|models|additional_contexts):/m;
    expect(composeText).not.toMatch(v2Only);
  });

  test("limits stand beside the service: 1.29.2 honours none under `deploy`", () => {
    expect(composeText).not.toMatch(/^\s*deploy:/m);
  });
});

describe("the Dockerfile", () => {
  const text = read("infra/docker/Dockerfile");

  test("starts every stage from the argument, and ends without root", () => {
    const stages = text.split("\n").filter((line) => line.startsWith("FROM "));
    expect(stages.length).toBeGreaterThan(1);
    for (const line of stages) expect(line).toMatch(/^FROM \$\{NODE_IMAGE\}/);
    const last = text.slice(text.lastIndexOf("FROM "));
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(withDefaults(composeFile.services["router"]?.user ?? "")).toBe("1000:1000");
  });

  test("uses nothing that the builder of 1.29.2 does not know", () => {
    expect(text).not.toMatch(/--mount|--chmod|--link|<<|^# syntax/m);
  });

  test("installs production packages alone, and runs no script of theirs", () => {
    expect(text).toMatch(/npm ci --omit=dev .*\\\n\s*--ignore-scripts/);
  });
});
