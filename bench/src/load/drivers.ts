import { connect } from "nats";
import type { DriverSettings } from "../suite.ts";

/** What the load generator sends. */
export interface Driver {
  /** One request; resolves with its good answer, rejects with why there is none. */
  send(): Promise<void>;
  close(): Promise<void>;
}

export function connectDriver(settings: DriverSettings): Promise<Driver> {
  return drivers[settings.driver](settings);
}

const drivers: Record<DriverSettings["driver"], (settings: DriverSettings) => Promise<Driver>> = {
  "nats-request": natsRequests,
};

const SHOWN_CHARS = 300;

/** Plain requests of the NATS client, as any program makes them. */
async function natsRequests(settings: DriverSettings): Promise<Driver> {
  const connection = await connect({ servers: settings.servers, name: "load-generator", noAsyncTraces: true });
  const body = Buffer.from(settings.body);
  const expect = Buffer.from(settings.expect);
  return {
    async send() {
      const { data } = await connection.request(settings.subject, body, { timeout: settings.timeoutMs });
      const answer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (!answer.includes(expect)) throw new Error(`unexpected answer: ${answer.toString("utf8", 0, SHOWN_CHARS)}`);
    },
    close: () => connection.close(),
  };
}
