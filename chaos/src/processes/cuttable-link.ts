import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * Stands between one process and its server, so that the connection of that one alone can be cut.
 *
 * `closed`: connections end, and new ones are closed at once, as when a server or a route is known to be gone. `silent`:
 * connections stay and nothing passes in either direction until it is healed, as when packets are lost; then it comes late.
 */
export type Cut = "closed" | "silent";

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

interface Intended {
  readonly marker: string;
  readonly cut: Cut;
  readonly done: (atMs: number) => void;
}

export class CuttableLink {
  readonly port: number;
  readonly #server: Server;
  readonly #upstreamPort: number;
  readonly #pairs = new Set<Pair>();
  #cut: Cut | undefined;
  #intended: Intended | undefined;

  private constructor(server: Server, upstreamPort: number) {
    this.#server = server;
    this.#upstreamPort = upstreamPort;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#accept(client));
  }

  /** To a server on this machine, at a port of its own. */
  static async start(upstreamPort: number): Promise<CuttableLink> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new CuttableLink(server, upstreamPort);
  }

  cut(cut: Cut): void {
    this.#cut = cut;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  /** Cuts once the process has sent something that has the marker in it, which still passes. @returns when it was cut */
  cutAfter(marker: string, cut: Cut): Promise<number> {
    return new Promise((done) => {
      this.#intended = { marker, cut, done };
    });
  }

  heal(): void {
    this.#cut = undefined;
    this.#intended = undefined;
    for (const { client, upstream } of this.#pairs) {
      client.resume();
      upstream.resume();
    }
  }

  async stop(): Promise<void> {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.#cut === "closed") return void client.destroy();
    const upstream = connect({ host: "127.0.0.1", port: this.#upstreamPort, noDelay: true });
    client.setNoDelay(true);
    const pair = { client, upstream };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroySoon();
      upstream.destroySoon();
    };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (bytes: Buffer) => {
      if (this.#cut === "closed") return;
      upstream.write(bytes);
      if (this.#intended !== undefined && bytes.includes(this.#intended.marker)) this.#cutNow(this.#intended);
    });
    upstream.on("data", (bytes: Buffer) => void client.write(bytes));
    this.#apply(pair);
  }

  #cutNow({ cut, done }: Intended): void {
    this.#intended = undefined;
    this.cut(cut);
    done(performance.now());
  }

  /** What was written before still goes out. */
  #apply({ client, upstream }: Pair): void {
    if (this.#cut === "silent") {
      client.pause();
      upstream.pause();
    } else if (this.#cut === "closed") {
      upstream.destroySoon();
      client.destroySoon();
    }
  }
}
