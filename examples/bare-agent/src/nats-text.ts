import { connect, type Socket } from "node:net";

/** As much of the NATS text protocol as an agent needs. https://docs.nats.io/reference/reference-protocols/nats-protocol */

export interface NatsText {
  subscribe(subject: string): void;
  publish(subject: string, body: object): void;
  /** Resolves when the server has taken in everything that was written before, or the connection has ended. */
  flush(): Promise<void>;
  close(): void;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<string>;
}

export function openNats(host: string, port: number, name: string, onMessage: (subject: string, body: string) => void): NatsText {
  // Step 1. Connect: the server says INFO; the first line of ours is CONNECT. Without `headers` it leaves headers out.
  const socket: Socket = connect(port, host);
  socket.write(
    `CONNECT ${JSON.stringify({ name, lang: "none", version: "1", verbose: false, pedantic: true, headers: false })}\r\n`,
  );
  const pongs: (() => void)[] = [];
  let subscriptions = 0;
  let reason = "the server closed the connection";
  let received = Buffer.alloc(0);

  /** Takes one line, or one message, off the front of what was received. @returns false when it is not whole yet */
  function takeOne(): boolean {
    const end = received.indexOf("\r\n");
    if (end < 0) return false;
    const line = received.toString("latin1", 0, end);
    let used = end + 2;
    if (line.startsWith("MSG ")) {
      // MSG <subject> <sid> [reply] <bytes>, and the body in the next line
      const [, subject = "", ...rest] = line.split(" ");
      const bytes = Number(rest.at(-1));
      if (received.length < used + bytes + 2) return false;
      const body = received.toString("utf8", used, used + bytes);
      used += bytes + 2;
      received = received.subarray(used);
      onMessage(subject, body);
      return true;
    }
    received = received.subarray(used);
    if (line === "PING")
      socket.write("PONG\r\n"); // or the server takes us for dead
    else if (line === "PONG") pongs.shift()?.();
    else if (line.startsWith("-ERR")) reason = line;
    return true;
  }

  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (takeOne());
  });
  socket.on("error", (error) => {
    reason = error.message;
  });
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(reason)));
  return {
    subscribe: (subject) => socket.write(`SUB ${subject} ${++subscriptions}\r\n`),
    publish(subject, body) {
      const text = JSON.stringify(body);
      socket.write(`PUB ${subject} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
    },
    flush: () =>
      new Promise((resolve) => {
        pongs.push(resolve);
        socket.write("PING\r\n");
        void closed.then(() => resolve());
      }),
    close: () => socket.end(),
    closed,
  };
}
