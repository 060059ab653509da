import { connect } from "nats";
import { ready } from "../processes/parent.ts";

/**
 * The floor of a router: takes a request from NATS, asks the next of N agents with a plain request, and passes the
 * answer on. No validation, no deadline but a timeout, no retry, no record, no trace.
 */

const { BENCH_NATS_URL, BENCH_SUBJECT, BENCH_AGENT_SUBJECT, BENCH_AGENTS, BENCH_TIMEOUT_MS } = process.env;
const agents = Number(BENCH_AGENTS);
const timeout = Number(BENCH_TIMEOUT_MS);
const subjects = Array.from({ length: agents }, (_, index) => `${BENCH_AGENT_SUBJECT}.${index}`);

const connection = await connect({ servers: BENCH_NATS_URL ?? "", name: "bare-relay", noAsyncTraces: true });
let next = 0;
connection.subscribe(BENCH_SUBJECT ?? "", {
  queue: "relay",
  callback: (error, message) => {
    if (error !== null) return;
    const subject = subjects[next] as string;
    next = (next + 1) % agents;
    connection.request(subject, message.data, { timeout }).then(
      (answer) => message.respond(answer.data),
      (reason: unknown) => message.respond(`failed: ${reason}`),
    );
  },
});
await connection.flush();
ready(() => connection.drain());
