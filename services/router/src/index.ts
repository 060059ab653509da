export { type Router, type RouterDeps, type RouterOptions, routerDefaults, startRouter } from "./service.ts";
