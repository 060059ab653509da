export { adaptiveConfigSchema } from "./config.ts";
export { startAdaptive } from "./service.ts";
