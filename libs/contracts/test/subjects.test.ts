import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSubjects, isReplyAllowed, NexusError, namePattern, subjectToken } from "../src/index.ts";

/** Proves: no id can add a token or a wildcard to a subject, and no reply subject leads out of the inboxes. */

const subjects = createSubjects("nexus");

describe("ids in subjects", () => {
  it("passes every valid id and refuses every other text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/)), (id) => {
        if (namePattern.test(id)) {
          expect(subjects.agentIn(id).split(".")).toHaveLength(4);
          expect(subjectToken(subjects, subjects.agentHello(id), 1)).toBe(id);
        } else expect(() => subjects.agentIn(id)).toThrow(NexusError);
      }),
    );
  });

  it.each(["*", ">", "a.b", "a b", "a\r\nPUB x", "\0", "", "A", "-a", "a".repeat(64)])("refuses %j", (id) => {
    for (const build of [subjects.agentIn, subjects.connIn, subjects.group, subjects.agentHello, subjects.routerRequests]) {
      expect(() => build(id)).toThrow(NexusError);
    }
  });

  it("refuses a prefix with a wildcard", () => expect(() => createSubjects("nexus.*")).toThrow(NexusError));

  it("reads tokens behind a prefix of several", () => {
    const deep = createSubjects("prod.nexus");
    expect(subjectToken(deep, deep.agentReply("a1", "r1"), 1)).toBe("a1");
  });
});

describe("reply subjects", () => {
  const prefixes = ["_INBOX."];
  it.each(["_INBOX.abc", "_INBOX.abc.def", "_INBOX.AB-c_1"])("allows %s", (reply) =>
    expect(isReplyAllowed(reply, prefixes)).toBe(true),
  );
  it.each([
    "nexus.agents.a.in",
    "$JS.API.STREAM.DELETE.x",
    "_INBOX.",
    "_INBOX",
    "_INBOX..a",
    "_INBOX.a.",
    "_INBOX.>",
    "_INBOX.*",
    "_INBOX.a b",
  ])("refuses %s", (reply) => expect(isReplyAllowed(reply, prefixes)).toBe(false));
});
