/** The environment that Compose gives to the services is one that they take, and the fleet has every shard once. */
import { describe, expect, test } from "vitest";
import { type baseConfigSchema, loadConfig, unknownVariables } from "../../../libs/runtime/src/index.ts";
import { adaptiveConfigSchema } from "../../../services/adaptive/src/index.ts";
import { consensusConfigSchema } from "../../../services/consensus/src/index.ts";
import { gossipConfigSchema } from "../../../services/gossip/src/index.ts";
import { predictorConfigSchema } from "../../../services/predictor/src/index.ts";
import { routerConfigSchema } from "../../../services/router/src/index.ts";
import { composeFile, services, withDefaults } from "./compose-file.ts";

const schemas: Readonly<Record<string, typeof baseConfigSchema>> = {
  adaptive: adaptiveConfigSchema,
  consensus: consensusConfigSchema,
  gossip: gossipConfigSchema,
  predictor: predictorConfigSchema,
  router: routerConfigSchema,
};

const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(composeFile.services[name]?.environment ?? {}).map(([variable, value]) => [variable, withDefaults(value)]),
  );

test.each(Object.entries(schemas))("%s takes every variable that it is given", (name, schema) => {
  const environment = environmentOf(name);
  expect(unknownVariables(schema, environment)).toEqual([]);
  expect(loadConfig(schema, environment)).toMatchObject({ NEXUS_HEALTH_PORT: 8080, NEXUS_NATS_URL: "nats://nats:4222" });
});

describe("the fleet", () => {
  const fleets = services.filter(([name]) => name.startsWith("fleet-")).map(([name]) => environmentOf(name));

  test("has each of the 24 shards once, on three connections", () => {
    const shards = fleets.flatMap((environment) => {
      const first = Number(environment["CODE_SEARCH_FIRST"]);
      return Array.from({ length: Number(environment["CODE_SEARCH_COUNT"]) }, (_, index) => first + index);
    });
    expect(fleets).toHaveLength(3);
    expect(shards.sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, index) => index));
    for (const environment of fleets) expect(environment["CODE_SEARCH_SHARDS"]).toBe("24");
  });
});
