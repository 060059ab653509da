/** The chassis of every service: configuration, logs, lifecycle, registration. */
export { type BaseConfig, baseConfigSchema, configTable, loadConfig, redacted } from "./config.ts";
export { createLifecycle, exitOnSignals, type Lifecycle } from "./lifecycle.ts";
export { createLogger, type LoggerOptions } from "./logger.ts";
export { runServiceProcess, type ServiceDeps, type ServiceProcess } from "./service-process.ts";
export { startTelemetry, telemetryConfigSchema } from "./telemetry.ts";
export { startUnbuiltService, type UnbuiltDeps, type UnbuiltOptions } from "./unbuilt-service.ts";
