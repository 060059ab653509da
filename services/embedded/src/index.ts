export { runEmbedded, type Terminal } from "./run.ts";
