import type { Bus, BusHeaders, BusMessage, BusStatus } from "@nexus/ports";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BusFixture, bytes, codeOf, text } from "./bus-fixture.ts";
import { describeServices } from "./bus-services.ts";
import { until } from "./waiting.ts";

/** Every invariant of the `Bus` port, and NATS's semantics that the system builds on. Each test has its own subjects. */
export function busConformance(name: string, factory: () => Promise<BusFixture>): void {
  describe(`${name} is a Bus`, () => {
    let fixture: BusFixture;
    let subjects = 0;
    const subject = (): string => `conformance.t${++subjects}`;
    beforeAll(async () => {
      fixture = await factory();
    });
    afterAll(() => fixture.stop());
    const context = { connect: () => fixture.connect(), subject };
    describeDelivery(context);
    describePayload(context);
    describeRequests(context);
    describeFailures(context);
    describeServices(context);
    describeEnd(context);
    describeOutage(context, () => fixture);
  });
}

export interface BusContext {
  connect(): Promise<Bus>;
  /** A subject that no other test uses. */
  subject(): string;
}

function describeDelivery({ connect, subject }: BusContext): void {
  describe("delivery", () => {
    test("never happens within the call of publish", async () => {
      const bus = await connect();
      const s = subject();
      let got = 0;
      bus.subscribe(s, () => void got++);
      bus.publish(s, bytes("x"));
      expect(got).toBe(0);
      await bus.flush();
      await until("the message arrives", () => got === 1);
    });

    test("keeps the order of a publisher, on and across subjects of one subscription", async () => {
      const [from, to] = [await connect(), await connect()];
      const s = subject();
      const got: number[] = [];
      to.subscribe(`${s}.>`, (message) => void got.push(Number(text(message))));
      await to.flush();
      for (let index = 0; index < 2_000; index++) from.publish(`${s}.${index % 3}`, bytes(String(index)));
      await until("all arrive", () => got.length === 2_000);
      expect(got).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    });

    test("`*` stands for one token, `>` for one or more, and neither for none", async () => {
      const bus = await connect();
      const s = subject();
      const got: Record<string, string[]> = { "*": [], "*.x": [], "a.*": [], ">": [], "a.>": [], a: [] };
      for (const pattern of Object.keys(got)) {
        bus.subscribe(`${s}.${pattern}`, (message) => void got[pattern]?.push(message.subject.slice(s.length + 1)));
      }
      for (const tail of ["a", "b", "a.x", "b.x", "a.x.y"]) bus.publish(`${s}.${tail}`, bytes(""));
      bus.publish(s, bytes(""));
      await bus.flush();
      await until("the last arrives", () => got[">"]?.length === 5);
      expect(got).toEqual({
        "*": ["a", "b"],
        "*.x": ["a.x", "b.x"],
        "a.*": ["a.x"],
        ">": ["a", "b", "a.x", "b.x", "a.x.y"],
        "a.>": ["a.x", "a.x.y"],
        a: ["a"],
      });
    });

    test("a queue group gets each message once, its members share; others get all", async () => {
      const bus = await connect();
      const s = subject();
      const members = [0, 0, 0];
      const count = (index: number): void => {
        members[index] = (members[index] ?? 0) + 1;
      };
      let outside = 0;
      for (const index of members.keys()) {
        const member = await connect();
        member.subscribe(s, () => void count(index), { queue: "workers" });
        await member.flush();
      }
      bus.subscribe(s, () => void outside++);
      for (let index = 0; index < 300; index++) bus.publish(s, bytes("x"));
      await bus.flush();
      const sum = (): number => members.reduce((total, count) => total + count, 0);
      await until("all arrive", () => outside === 300 && sum() >= 300);
      expect(sum()).toBe(300);
      expect(Math.min(...members)).toBeGreaterThan(30);
    });

    test("ends with unsubscribe, which may be called twice", async () => {
      const bus = await connect();
      const s = subject();
      const got: string[] = [];
      const subscription = bus.subscribe(s, (message) => {
        got.push(text(message));
        subscription.unsubscribe();
      });
      let control = 0;
      bus.subscribe(s, () => void control++);
      for (const each of ["1", "2", "3"]) bus.publish(s, bytes(each));
      await until("the control has all", () => control === 3);
      subscription.unsubscribe();
      expect(got).toEqual(["1"]);
    });

    test("inboxes are unique, and another connection can publish to them", async () => {
      const [bus, other] = [await connect(), await connect()];
      const inbox = bus.newInbox();
      expect(new Set([inbox, bus.newInbox(), other.newInbox()]).size).toBe(3);
      let got = 0;
      bus.subscribe(inbox, () => void got++);
      await bus.flush();
      other.publish(inbox, bytes("x"));
      await until("it arrives", () => got === 1);
    });

    test("B3: after flush, what another connection publishes reaches the subscription", async () => {
      const other = await connect();
      for (let round = 0; round < 20; round++) {
        const bus = await connect();
        const s = subject();
        let got = 0;
        bus.subscribe(s, () => void got++);
        await bus.flush();
        other.publish(s, bytes("x"));
        await until("it arrives", () => got === 1);
        await bus.close();
      }
    });
  });
}

function describePayload({ connect, subject }: BusContext): void {
  const echo = async (data: Uint8Array, headers?: Record<string, string>): Promise<BusMessage> => {
    const bus = await connect();
    const s = subject();
    let got: BusMessage | undefined;
    bus.subscribe(s, (message) => {
      got = message;
    });
    bus.publish(s, data, headers === undefined ? {} : { headers });
    await until("the message arrives", () => got !== undefined);
    return got as BusMessage;
  };

  describe("payload", () => {
    test("any bytes, and none, arrive unchanged", async () => {
      const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      expect([...(await echo(all)).data]).toEqual([...all]);
      expect([...(await echo(all, { a: "b" })).data]).toEqual([...all]);
      expect((await echo(bytes("\r\nPUB x 1\r\n+"))).data).toHaveLength(12);
      expect((await echo(new Uint8Array(0))).data).toHaveLength(0);
    });

    test("headers arrive, their names case-sensitive; a message without has none", async () => {
      const headers = { "Content-Type": "application/json", "content-type": "other", x: "a:b ü", __proto__x: "1" };
      const message = await echo(bytes("x"), headers);
      expect({ ...message.headers }).toEqual(headers);
      expect(message.headers["CONTENT-TYPE"]).toBeUndefined();
      expect(message.headers["toString"]).toBeUndefined();
      expect(message.reply).toBeUndefined();
      expect(Object.keys((await echo(bytes("x"))).headers)).toEqual([]);
      expect(Object.keys((await echo(bytes("x"), {})).headers)).toEqual([]);
    });

    test("a header that would break the frame is refused", async () => {
      const bus = await connect();
      const bad: BusHeaders[] = [{ "a:b": "x" }, { "a b": "x" }, { "": "x" }, { a: "x\r\ny: z" }, { ü: "x" }];
      for (const headers of bad) {
        expect(await codeOf(() => bus.publish("conformance.bad", bytes("x"), { headers }))).toBe("invalid-field");
      }
    });

    test.each(["", ".", "a..b", "a b", "a\r\nPING", "a\tb", ".a", "a."])("the subject %j is refused everywhere", async (bad) => {
      const bus = await connect();
      expect(await codeOf(() => bus.publish(bad, bytes("x")))).toBe("invalid-field");
      expect(await codeOf(() => bus.publish("conformance.ok", bytes("x"), { reply: bad }))).toBe("invalid-field");
      expect(await codeOf(() => bus.subscribe(bad, () => {}))).toBe("invalid-field");
      expect(await codeOf(() => bus.request(bad, bytes("x"), { timeoutMs: 100 }))).toBe("invalid-field");
    });

    test("one cannot publish to a wildcard", async () => {
      const bus = await connect();
      for (const bad of ["a.*", ">", "*"]) expect(await codeOf(() => bus.publish(bad, bytes("x")))).toBe("invalid-field");
    });

    test("B1: a message of maxPayloadBytes arrives; one byte more is too-large, headers included", async () => {
      const bus = await connect();
      const largest = bus.maxPayloadBytes;
      expect((await echo(new Uint8Array(largest).fill(7))).data).toHaveLength(largest);
      const headerBytes = "NATS/1.0\r\na: b\r\n\r\n".length;
      expect((await echo(new Uint8Array(largest - headerBytes), { a: "b" })).data).toHaveLength(largest - headerBytes);
      const tooLarge = new Uint8Array(largest + 1);
      expect(await codeOf(() => bus.publish("conformance.large", tooLarge))).toBe("too-large");
      const withHeaders = new Uint8Array(largest - headerBytes + 1);
      expect(await codeOf(() => bus.publish("conformance.large", withHeaders, { headers: { a: "b" } }))).toBe("too-large");
      expect(await codeOf(() => bus.request("conformance.large", tooLarge, { timeoutMs: 1_000 }))).toBe("too-large");
      expect(bus.connected).toBe(true);
    });
  });
}

function describeRequests({ connect, subject }: BusContext): void {
  describe("requests", () => {
    test("get the answer, with its headers; many at once get each their own", async () => {
      const [client, server] = [await connect(), await connect()];
      const s = subject();
      server.subscribe(s, (message) => {
        if (message.reply !== undefined)
          server.publish(message.reply, message.data, { headers: { seen: message.headers["n"] ?? "" } });
      });
      await server.flush();
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => client.request(s, bytes(`q${n}`), { timeoutMs: 5_000, headers: { n: String(n) } })),
      );
      expect(answers.map(text)).toEqual(answers.map((_, n) => `q${n}`));
      expect(answers.map((answer) => answer.headers["seen"])).toEqual(answers.map((_, n) => String(n)));
    });

    test("B5: without a subscriber they fail at once with no-responders", async () => {
      const bus = await connect();
      const startMs = performance.now();
      expect(await codeOf(() => bus.request(subject(), bytes("x"), { timeoutMs: 20_000 }))).toBe("no-responders");
      expect(performance.now() - startMs).toBeLessThan(5_000);
    });

    test("without an answer they fail with timeout, not before it", async () => {
      const bus = await connect();
      const s = subject();
      bus.subscribe(s, () => {});
      const startMs = performance.now();
      expect(await codeOf(() => bus.request(s, bytes("x"), { timeoutMs: 50 }))).toBe("timeout");
      expect(performance.now() - startMs).toBeGreaterThan(45);
    });

    test("can be cancelled, before and while they run", async () => {
      const bus = await connect();
      const s = subject();
      const controller = new AbortController();
      bus.subscribe(s, () => controller.abort());
      const { signal } = controller;
      expect(await codeOf(() => bus.request(s, bytes("x"), { timeoutMs: 20_000, signal }))).toBe("cancelled");
      expect(await codeOf(() => bus.request(s, bytes("x"), { timeoutMs: 20_000, signal }))).toBe("cancelled");
    });

    test("an empty answer is an answer", async () => {
      const bus = await connect();
      const s = subject();
      bus.subscribe(s, (message) => void (message.reply !== undefined && bus.publish(message.reply, new Uint8Array(0))));
      expect((await bus.request(s, bytes("x"), { timeoutMs: 5_000 })).data).toHaveLength(0);
    });

    test("a publish with a reply subject that nobody receives comes back there with Status 503", async () => {
      const bus = await connect();
      const inbox = bus.newInbox();
      const got: BusMessage[] = [];
      bus.subscribe(`${inbox}.*`, (message) => void got.push(message));
      bus.publish(subject(), bytes("x"), { reply: `${inbox}.one` });
      await until("the status arrives", () => got.length === 1);
      expect(got[0]?.subject).toBe(`${inbox}.one`);
      expect(got[0]?.headers["Status"]).toBe("503");
      expect(got[0]?.data).toHaveLength(0);
    });
  });
}

function describeFailures({ connect, subject }: BusContext): void {
  test("B2: a handler that throws or rejects loses its own message alone, and onError is told", async () => {
    const bus = await connect();
    const s = subject();
    const got: string[] = [];
    const errors: string[] = [];
    const end = bus.onError((error) => void errors.push(error.message));
    bus.subscribe(s, (message) => {
      got.push(text(message));
      if (text(message) === "throw") throw new Error("thrown");
      if (text(message) === "odd") throw "odd"; // not even an Error
      return text(message) === "reject" ? Promise.reject(new Error("rejected")) : undefined;
    });
    for (const each of ["1", "throw", "2", "reject", "odd", "3"]) bus.publish(s, bytes(each));
    await until("all arrive", () => got.length === 6 && errors.length === 3);
    expect(got).toEqual(["1", "throw", "2", "reject", "odd", "3"]);
    expect(errors.sort()).toEqual(["odd", "rejected", "thrown"]);
    expect(bus.connected).toBe(true);
    end();
  });
}

function describeEnd({ connect, subject }: BusContext): void {
  const uses = (bus: Bus): (() => unknown)[] => [
    () => bus.publish("conformance.end", bytes("x")),
    () => bus.request("conformance.end", bytes("x"), { timeoutMs: 1_000 }),
    () => bus.subscribe("conformance.end", () => {}),
    () => bus.serve({ name: "ended", version: "1.0.0", description: "", metadata: {}, endpoints: [] }),
    () => bus.newInbox(),
    () => bus.flush(),
  ];

  describe("end", () => {
    test("B4: drain delivers what was received, publishes what is pending, then everything throws disconnected", async () => {
      const [bus, other] = [await connect(), await connect()];
      const [s, out] = [subject(), subject()];
      let received = 0;
      let forwarded = 0;
      other.subscribe(out, () => void forwarded++);
      await other.flush();
      bus.subscribe(s, () => {
        received++;
        bus.publish(out, bytes("x"));
      });
      for (let index = 0; index < 500; index++) bus.publish(s, bytes("x"));
      const statuses: BusStatus[] = [];
      bus.onStatus((status) => void statuses.push(status));
      await bus.drain();
      expect(received).toBe(500);
      await until("all is forwarded", () => forwarded === 500);
      expect(bus.connected).toBe(false);
      await until("closed is told", () => statuses.includes("closed"));
      for (const use of uses(bus)) expect(await codeOf(use)).toBe("disconnected");
      await bus.drain(); // ending what has ended is no error
      await bus.close();
    });

    test("after close everything throws disconnected, and requests under way fail so", async () => {
      const bus = await connect();
      const s = subject();
      bus.subscribe(s, () => {});
      const pending = codeOf(() => bus.request(s, bytes("x"), { timeoutMs: 20_000 }));
      await bus.flush();
      await bus.close();
      expect(await pending).toBe("disconnected");
      for (const use of uses(bus)) expect(await codeOf(use)).toBe("disconnected");
      await bus.drain(); // ending what has ended is no error
      await bus.close();
    });
  });
}

function describeOutage({ connect, subject }: BusContext, fixture: () => BusFixture): void {
  test("B1: while the server is away publish throws; when it is back, subscriptions and services live on", async () => {
    const [bus, other] = [await connect(), await connect()];
    const s = subject();
    const statuses: BusStatus[] = [];
    let got = 0;
    bus.onStatus((status) => void statuses.push(status));
    bus.subscribe(s, () => void got++);
    await bus.serve({
      name: "outlives",
      version: "1.0.0",
      description: "",
      metadata: {},
      endpoints: [{ name: "echo", subject: `${s}.echo`, handler: (message) => ({ data: message.data }) }],
    });
    await fixture().interrupt();
    await until("the loss is noticed", () => !bus.connected && !other.connected);
    expect(await codeOf(() => bus.publish(s, bytes("x")))).toBe("disconnected");
    expect(await codeOf(() => bus.request(s, bytes("x"), { timeoutMs: 1_000 }))).toBe("disconnected");
    expect(await codeOf(() => bus.flush())).toBe("disconnected");
    let late = 0;
    bus.subscribe(`${s}.late`, () => void late++);
    expect(statuses[0]).toBe("disconnected");
    await fixture().restore();
    await until("both are back", () => bus.connected && other.connected);
    expect(statuses.at(-1)).toBe("connected");
    await bus.flush();
    other.publish(s, bytes("x"));
    other.publish(`${s}.late`, bytes("x"));
    await until("the messages arrive", () => got === 1 && late === 1);
    expect(text(await other.request(`${s}.echo`, bytes("still"), { timeoutMs: 5_000 }))).toBe("still");
  });

  test("close and drain end while the server is away", async () => {
    const [closed, drained] = [await connect(), await connect()];
    await fixture().interrupt();
    await until("the loss is noticed", () => !closed.connected && !drained.connected);
    await closed.close();
    await drained.drain();
    await fixture().restore();
    expect([closed.connected, drained.connected]).toEqual([false, false]);
  });
}
