import { type BusHeaders, type BusMessage, type RequestOptions, STATUS_HEADER } from "@nexus/ports";
import { createInbox, type NatsConnection, nuid, type Subscription } from "nats";
import { cancelled, disconnected, noResponders, timedOut, toBusError } from "./errors.ts";
import { NatsMessage, toNatsHeaders } from "./messages.ts";

interface Pending {
  readonly subject: string;
  readonly resolve: (message: BusMessage) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Requests over one subscription for all their answers. Not the library's: it reads the headers of each answer within its
 * reading of the connection, which a header that it cannot read would end, for all subscriptions.
 */
export class Requests {
  readonly #nc: NatsConnection;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #answers: Subscription | undefined;

  constructor(nc: NatsConnection, inboxPrefix: string | undefined) {
    this.#nc = nc;
    this.#inbox = createInbox(inboxPrefix);
  }

  /** @throws NexusError as the port says, synchronously or by the promise */
  send(subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage> {
    const { signal } = options;
    const headers = options.headers === undefined ? undefined : toNatsHeaders(options.headers);
    const token = nuid.next();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => pending.reject(cancelled(subject));
      const timer = setTimeout(() => pending.reject(timedOut(subject)), Math.max(1, Math.ceil(options.timeoutMs)));
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(token);
      };
      const pending: Pending = {
        subject,
        resolve: (message) => {
          end();
          resolve(message);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      this.#pending.set(token, pending);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        this.#listen();
        const reply = `${this.#inbox}.${token}`;
        this.#nc.publish(subject, data, headers === undefined ? { reply } : { reply, headers });
      } catch (error) {
        pending.reject(toBusError(error, subject));
      }
    });
  }

  /** The connection is closed for good. */
  close(): void {
    for (const pending of [...this.#pending.values()]) pending.reject(disconnected());
  }

  /** The server does not let this user publish there. */
  refused(subject: string, error: Error): void {
    for (const pending of [...this.#pending.values()]) if (pending.subject === subject) pending.reject(error);
  }

  #listen(): void {
    if (this.#answers !== undefined && !this.#answers.isClosed()) return;
    this.#answers = this.#nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(new NatsMessage(message));
        else for (const pending of [...this.#pending.values()]) pending.reject(toBusError(error, pending.subject));
      },
    });
  }

  #answered(message: BusMessage): void {
    const pending = this.#pending.get(message.subject.slice(this.#inbox.length + 1));
    if (pending === undefined) return; // late, or the answer of a second responder
    try {
      if (message.data.byteLength === 0 && isNobodyThere(message.headers)) pending.reject(noResponders(pending.subject));
      else pending.resolve(message);
    } catch (error) {
      pending.reject(toBusError(error, pending.subject));
    }
  }
}

function isNobodyThere(headers: BusHeaders): boolean {
  return headers[STATUS_HEADER] === "503";
}
