// @ts-check
/** The trace receiver as the program of a container, on the ports that Jaeger has. */
import { startTraceReceiver } from "./trace-receiver.mjs";

const { ports, stop } = await startTraceReceiver({ otlp: 4318, query: 16686, health: 13133 }, "0.0.0.0");
console.log(`listening: ${JSON.stringify(ports)}`);
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
