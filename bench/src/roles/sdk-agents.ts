import { connectAgents } from "@nexus/agent";
import { createLogger, startTelemetry } from "@nexus/runtime";
import { ready } from "../processes/parent.ts";

/** A fleet as users write it: N agents of the SDK on one connection, with telemetry as the environment says. */

const { BENCH_NATS_URL, BENCH_AGENTS, BENCH_GROUP, BENCH_CAPACITY } = process.env;
const agents = Number(BENCH_AGENTS);

const otel = startTelemetry({ service: "bench-agents", version: "0.1.0", instance: "bench-agents", environment: process.env });
const connection = await connectAgents({
  servers: BENCH_NATS_URL ?? "",
  name: "bench-agents",
  logger: createLogger({ service: "bench-agents", level: "warn", fileDescriptor: 1 }),
  telemetry: otel.telemetry,
});
for (let index = 0; index < agents; index++) {
  await connection.addAgent({
    id: `bench-${index}`,
    groups: [BENCH_GROUP ?? "bench"],
    capacity: Number(BENCH_CAPACITY),
    handlers: { echo: (payload) => payload },
  });
}
ready(async () => {
  await connection.close(2_000);
  await otel.shutdown();
});
