import { decode, encode, type JsonValue, NexusError, type Subjects, subjectToken, WIRE_VERSION } from "@nexus/contracts";
import { type GossipFrame, readGossipFrame } from "@nexus/core-gossip";
import { readSwimFrame, type SwimFrame } from "@nexus/core-membership";
import type { Bus, BusMessage, BusSubscription } from "@nexus/ports";

/** Frames of members over the bus: MessagePack, on a subject that names the receiver and the sender. */

export interface Heard {
  /** Whom the subject names: its publisher was allowed to use it. */
  readonly from: string;
  readonly frame: { readonly kind: "swim"; readonly swim: SwimFrame } | { readonly kind: "state"; readonly state: GossipFrame };
}

export interface TransportListener {
  heard(heard: Heard): void;
  announced(node: string): void;
  /** A frame that was not understood. */
  dropped(reason: string): void;
}

/** Of `nexus.gossip.nodes.<to>.<from>`. */
const FROM_TOKEN = 3;

export class Transport {
  readonly #bus: Bus;
  readonly #subjects: Subjects;
  readonly #self: string;
  readonly #listener: TransportListener;
  readonly #subscriptions: BusSubscription[] = [];

  constructor(bus: Bus, subjects: Subjects, self: string, listener: TransportListener) {
    this.#bus = bus;
    this.#subjects = subjects;
    this.#self = self;
    this.#listener = listener;
  }

  /** Resolves when the server knows the subscriptions. */
  async start(): Promise<void> {
    this.#subscriptions.push(
      this.#bus.subscribe(this.#subjects.everyGossipFrame(this.#self), (message) => this.#receive(message)),
      this.#bus.subscribe(this.#subjects.gossipAnnounce, (message) => this.#receiveAnnouncement(message)),
    );
    await this.#bus.flush();
  }

  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  sendSwim(to: string, swim: SwimFrame): void {
    this.#send(to, { v: WIRE_VERSION, swim });
  }

  sendState(to: string, state: GossipFrame): void {
    this.#send(to, { v: WIRE_VERSION, state });
  }

  announce(): void {
    if (this.#bus.connected) this.#bus.publish(this.#subjects.gossipAnnounce, encode({ v: WIRE_VERSION, node: this.#self }));
  }

  /** What is sent while the bus is away is lost, as on any network. */
  #send(to: string, envelope: object): void {
    if (!this.#bus.connected) return;
    this.#bus.publish(this.#subjects.gossipNode(to, this.#self), encode(envelope as JsonValue, "msgpack"));
  }

  #receive({ subject, data }: BusMessage): void {
    const from = subjectToken(this.#subjects, subject, FROM_TOKEN);
    const body = this.#read(data, "msgpack");
    if (body === undefined) return;
    const [swim, state] = [readSwimFrame(body["swim"]), readGossipFrame(body["state"])];
    if (swim !== undefined) this.#listener.heard({ from, frame: { kind: "swim", swim } });
    else if (state !== undefined) this.#listener.heard({ from, frame: { kind: "state", state } });
    else this.#listener.dropped("no-frame");
  }

  #receiveAnnouncement({ data }: BusMessage): void {
    const node = this.#read(data, "json")?.["node"];
    if (typeof node === "string" && node !== this.#self) this.#listener.announced(node);
  }

  /** No schema: it runs for each frame of each member. */
  #read(data: Uint8Array, codec: "json" | "msgpack"): Readonly<Record<string, JsonValue>> | undefined {
    try {
      const body = decode(data, codec);
      if (typeof body === "object" && body !== null && !Array.isArray(body) && body["v"] === WIRE_VERSION) return body;
      this.#listener.dropped("unsupported-version");
    } catch (error) {
      if (!(error instanceof NexusError) || error.family === "defect") throw error;
      this.#listener.dropped(error.code);
    }
    return undefined;
  }
}
