/** A private nats-server as a child process. */
export { ServerStartError } from "./child-process.ts";
export { type NatsServer, type NatsServerOptions, startNatsServer } from "./nats-server.ts";
