/** The bus over NATS; the only place that imports the `nats` package. */
export { connectNats, type NatsOptions } from "./connect.ts";
