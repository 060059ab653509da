export { type AdaptiveOptions, startAdaptive } from "./service.ts";
