export { embeddedConfigSchema } from "./config.ts";
export { runEmbedded, type Terminal } from "./run.ts";
