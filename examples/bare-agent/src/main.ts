import { createHash } from "node:crypto";
import { availableParallelism, freemem, hostname, loadavg } from "node:os";
import { BareAgent } from "./bare-agent.ts";

/** The bare agent as a process: it tells of its machine, hashes text, votes, and sleeps. */

const address = new URL(process.env["NEXUS_NATS_URL"] ?? "nats://127.0.0.1:4222");
const agent = new BareAgent({
  host: address.hostname,
  port: Number(address.port || 4222),
  prefix: process.env["NEXUS_PREFIX"] ?? "nexus",
  id: process.argv[2] ?? "bare-1",
  groups: ["bare"],
  labels: { host: hostname().toLowerCase().slice(0, 256) },
  capacity: 4,
  handlers: {
    machine: () => ({ cores: availableParallelism(), freeBytes: freemem(), load: loadavg()[0] ?? 0 }),
    hash: (payload) => createHash("sha256").update(JSON.stringify(payload)).digest("hex"),
    "vote-free-memory": (payload) => (freemem() >= Number((payload as { minBytes?: number }).minBytes ?? 0) ? "for" : "against"),
    sleep: async (payload, { signal, progress }) => {
      const ms = Number((payload as { ms?: number }).ms ?? 1_000);
      for (let step = 1; step <= 10; step++) {
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, ms / 10));
        progress(step / 10);
      }
      return ms;
    },
  },
});
await agent.start();
console.log("ready: bare agent with the operations machine, hash, vote-free-memory and sleep; Ctrl-C stops it");
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void agent.leave());
console.log(await agent.closed);
