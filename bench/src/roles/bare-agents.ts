import { connect } from "nats";
import { ready } from "../processes/parent.ts";

/** The floor of a fleet: N subscriptions on one connection, each of which answers a request with what it got. */

const { BENCH_NATS_URL, BENCH_AGENT_SUBJECT, BENCH_AGENTS } = process.env;

const connection = await connect({ servers: BENCH_NATS_URL ?? "", name: "bare-agents", noAsyncTraces: true });
for (let index = 0; index < Number(BENCH_AGENTS); index++) {
  connection.subscribe(`${BENCH_AGENT_SUBJECT}.${index}`, {
    callback: (error, message) => {
      if (error === null) message.respond(message.data);
    },
  });
}
await connection.flush();
ready(() => connection.drain());
