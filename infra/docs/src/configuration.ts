import { adaptiveConfigSchema } from "@nexus/adaptive";
import { consensusConfigSchema } from "@nexus/consensus";
import { consoleConfigSchema } from "@nexus/console";
import { embeddedConfigSchema } from "@nexus/embedded";
import { gossipConfigSchema } from "@nexus/gossip";
import { predictorConfigSchema } from "@nexus/predictor";
import { routerConfigSchema } from "@nexus/router";
import { baseConfigSchema, configTable } from "@nexus/runtime";
import { z } from "zod";
import { code } from "./markdown.ts";

/** The tables of configuration.md: what every service reads, and what each reads besides. */

const services: Readonly<Record<string, z.ZodObject>> = {
  router: routerConfigSchema,
  consensus: consensusConfigSchema,
  gossip: gossipConfigSchema,
  predictor: predictorConfigSchema,
  adaptive: adaptiveConfigSchema,
  console: consoleConfigSchema,
};

export function configurationParts(): Record<string, string> {
  const own = Object.entries(services).map(([service, schema]) => {
    const besides = Object.entries(schema.shape).filter(([name]) => !Object.hasOwn(baseConfigSchema.shape, name));
    return `### ${service}\n\n${besides.length === 0 ? "Nothing besides." : configTable(z.object(Object.fromEntries(besides)))}`;
  });
  return {
    "every-service": configTable(baseConfigSchema),
    "each-service": own.join("\n\n"),
    embedded: `${configTable(embeddedConfigSchema)}\n\n${code("npm start")} has a NATS server of its own, so nothing says where that is.`,
  };
}
