export { consoleConfigSchema } from "./config.ts";
export { type Console, type ConsoleOptions, consoleDefaults, startConsole } from "./service.ts";
