/** Private servers as child processes, for the embedded stack and for tests. */
export { ServerStartError } from "./child-process.ts";
export { type NatsServer, type NatsServerOptions, startNatsServer } from "./nats-server.ts";
export { type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";
