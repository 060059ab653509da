/** Whatever an address is written like, nothing that lets in is shown of it; what has no credentials is shown as it is. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { redacted, withoutCredentials } from "../src/index.ts";

test.each([
  ["nats://me:geheim@h:4222", "nats://h:4222"],
  ["http://me:ge@heim@h:1/x,nats://u@b", "http://h:1/x,nats://b"],
  ["nats://me:ge/heim@h, tls://token@b", "nats://h, tls://b"],
  ["me:geheim@h:4222", "h:4222"],
  ["no traces at http://me:geheim@h:1/x: refused", "no traces at http://h:1/x: refused"],
  ["redis://[::1]:6379/0", "redis://[::1]:6379/0"],
  ["nats://a:4222,nats://b:4222", "nats://a:4222,nats://b:4222"],
  ["", ""],
])("%s", (text, shown) => {
  expect(withoutCredentials(text)).toBe(shown);
});

test("no password is shown, whatever is in it but a comma and white space, which end an address", () => {
  const password = fc.string({ minLength: 1 }).filter((text) => !/[,\s]|^\/\//.test(text));
  fc.assert(
    fc.property(fc.constantFrom("", "nats://", "rediss://"), password, (scheme, secret) => {
      expect(withoutCredentials(`${scheme}me:${secret}@h:1`)).toBe(`${scheme}h:1`);
    }),
  );
});

test("of named values the secrets say only that they are there", () => {
  const values = { server: "nats://me:geheim@a,b", password: "geheim", token: undefined, port: 1 };
  const shown = redacted(values, (name) => name === "password" || name === "token");
  expect(shown).toEqual({ server: "nats://***@a,b", password: "***", token: undefined, port: 1 });
});
