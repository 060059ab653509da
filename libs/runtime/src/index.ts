/** The chassis of every service: configuration, logs, connections, lifecycle, health, registration. */
export {
  type BaseConfig,
  baseConfigSchema,
  configList,
  configTable,
  DEFAULT_REPLY_PREFIXES,
  describeConfig,
  type Environment,
  loadConfig,
  telemetryConfigSchema,
  unknownVariables,
} from "./config.ts";
export { connectBus, connectStore, createProcessStore, natsOptionsOf } from "./connections.ts";
export { type ExitCode, exitCodeOf, exitCodeOfError } from "./exit-codes.ts";
export { type CheckResult, createHealth, type Health, type HealthReport, healthOf } from "./health.ts";
export { type HealthServer, startHealthServer } from "./health-server.ts";
export { createLifecycle, exitOnSignals, type Lifecycle } from "./lifecycle.ts";
export { createLogLimit, type LogLimit } from "./log-limit.ts";
export { createLogger, type LoggerOptions } from "./logger.ts";
export { processLoad } from "./process-load.ts";
export { type OwnVerbOf, registerService, type ServiceRegistration, type VerbHandler } from "./register-service.ts";
export { runServiceProcess, type ServiceDeps, type ServiceProcess } from "./service-process.ts";
export { startTelemetry } from "./telemetry.ts";
export { type RunningService, type ServiceOptions, startUnbuiltService } from "./unbuilt-service.ts";
export { VERSION } from "./version.ts";
