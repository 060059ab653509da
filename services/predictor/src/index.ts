export { predictorConfigSchema } from "./config.ts";
export { startPredictor } from "./service.ts";
