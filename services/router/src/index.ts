export { routerConfigSchema } from "./config.ts";
export { type Router, type RouterOptions, routerDefaults, startRouter } from "./service.ts";
