/** The bus over NATS; the only place that imports the client library. */
export { connectNats, type NatsOptions } from "./connect.ts";
