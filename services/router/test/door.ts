import { decode, encode, type JsonValue } from "@nexus/contracts";
import type { Bus, ServiceDefinition } from "@nexus/ports";

/**
 * Routers share their subjects as a queue group, so a client cannot say which of them takes a request. Here each one can
 * be asked alone: by the handlers that it registered, with a message as the queue group would have delivered it.
 */
export interface Door {
  ask(subject: string, body?: object): Promise<JsonValue>;
}

/** The bus as it is, beside which the door keeps what is registered on it. */
export function withDoor(bus: Bus): { bus: Bus; door: Door } {
  const endpoints: ServiceDefinition["endpoints"][number][] = [];
  const watched = new Proxy(bus, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (name !== "serve") return typeof member === "function" ? member.bind(target) : member;
      return (service: ServiceDefinition) => {
        endpoints.push(...service.endpoints);
        return target.serve(service);
      };
    },
  });
  const ask = async (subject: string, body: object = {}): Promise<JsonValue> => {
    const endpoint = endpoints.find((candidate) => matches(candidate.subject, subject));
    if (endpoint === undefined) throw new Error(`nothing is registered for ${subject}`);
    const answer = await endpoint.handler({ subject, data: encode(body), headers: {}, reply: bus.newInbox() });
    if (answer === undefined) throw new Error(`no answer on ${subject}`);
    return decode(answer.data);
  };
  return { bus: watched, door: { ask } };
}

/** Of NATS's wildcards the one that services use here. */
function matches(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split("."), subject.split(".")];
  return wanted.length === given.length && wanted.every((token, index) => token === "*" || token === given[index]);
}
