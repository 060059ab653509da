import { NexusError } from "./errors.ts";
import { tooDeep } from "./json-scan.ts";

/**
 * Reads the structure of a MessagePack document and builds nothing, so that the decoder meets only what JSON can say.
 * What it keeps away from it is not only of another data model: references within a document (the extensions 0x69 and
 * 0x70 of msgpackr) make one that is exponential in its bytes, records compile code, bundles of strings move the cursor.
 *
 * Invariants
 * M1. Every step consumes a byte at least, and the stack is as deep as `depthMax`: O(bytes), whatever they are.
 * M2. A declared length is compared with the bytes that are left before anything is done with it.
 */

export interface MsgpackFacts {
  /** Some map has a key `__proto__`. */
  readonly hasProtoKey: boolean;
}

/** Bytes of the scalars 0xca to 0xd3 after their token; 0 for what is not here. */
const scalarBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8];
const protoKey = [...new TextEncoder().encode("__proto__")];
/** Longer strings are left to the decoder of the platform at once. */
const SHORT_BYTES = 64;
const textDecoder = new TextDecoder("utf-8", { fatal: true });

/** @throws NexusError `too-deep`, `malformed` */
export function scanMsgpack(bytes: Uint8Array, depthMax: number): MsgpackFacts {
  return new Scan(bytes, depthMax).run();
}

class Scan {
  readonly #bytes: Uint8Array;
  readonly #depthMax: number;
  /** Per level: values still to come, keys included; and whether it is a map. */
  readonly #left: number[] = [1];
  readonly #isMap: boolean[] = [false];
  #at = 0;
  #hasProtoKey = false;

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes;
    this.#depthMax = depthMax;
  }

  run(): MsgpackFacts {
    for (let level = 0; level >= 0; level = this.#left.length - 1) {
      const left = this.#left[level] ?? 0;
      if (left === 0) {
        this.#left.pop();
        this.#isMap.pop();
        continue;
      }
      this.#left[level] = left - 1;
      this.#value(this.#isMap[level] === true && left % 2 === 0);
    }
    if (this.#at < this.#bytes.length) throw malformed("bytes follow the document");
    return { hasProtoKey: this.#hasProtoKey };
  }

  #value(isKey: boolean): void {
    const token = this.#uint(1);
    if (token >= 0xa0 && token <= 0xbf) return this.#string(token - 0xa0, isKey);
    if (token >= 0xd9 && token <= 0xdb) return this.#string(this.#uint(1 << (token - 0xd9)), isKey);
    if (isKey) throw malformed("a key of a map is no string");
    if (token <= 0x7f || token >= 0xe0 || token === 0xc0 || token === 0xc2 || token === 0xc3) return;
    if (token <= 0x8f) return this.#open(token - 0x80, true);
    if (token <= 0x9f) return this.#open(token - 0x90, false);
    if (token === 0xdc || token === 0xdd) return this.#open(this.#uint(token === 0xdc ? 2 : 4), false);
    if (token === 0xde || token === 0xdf) return this.#open(this.#uint(token === 0xde ? 2 : 4), true);
    const length = scalarBytes[token - 0xca];
    if (length === undefined) throw malformed(`holds token 0x${token.toString(16)}: binary and extensions are not carried`);
    if (token <= 0xcb) this.#checkFinite(token === 0xca ? 0x80 : 0xf0);
    this.#skip(length);
  }

  /** @param exponentBits those of the exponent that are in the second byte of a float */
  #checkFinite(exponentBits: number): void {
    const [first = 0, second = 0] = this.#bytes.subarray(this.#at, this.#at + 2);
    if ((first & 0x7f) === 0x7f && (second & exponentBits) === exponentBits) throw malformed("holds a number that is not finite");
  }

  #open(entries: number, isMap: boolean): void {
    const values = isMap ? entries * 2 : entries;
    if (values > this.#bytes.length - this.#at) throw endsEarly(); // M2: a value has a byte at least
    if (this.#left.length > this.#depthMax) throw tooDeep(this.#depthMax);
    this.#left.push(values);
    this.#isMap.push(isMap);
  }

  #string(length: number, isKey: boolean): void {
    const bytes = this.#bytes;
    const from = this.#at;
    this.#skip(length);
    if (isKey && length === protoKey.length && protoKey.every((byte, index) => bytes[from + index] === byte)) {
      this.#hasProtoKey = true;
    }
    let isAscii = length <= SHORT_BYTES;
    for (let index = from; isAscii && index < from + length; index++) isAscii = (bytes[index] ?? 0) < 0x80;
    if (!isAscii) checkUtf8(bytes.subarray(from, from + length));
  }

  /** Big-endian. */
  #uint(length: number): number {
    const bytes = this.#bytes;
    const from = this.#at;
    this.#skip(length);
    let value = bytes[from] ?? 0;
    for (let index = from + 1; index < from + length; index++) value = value * 256 + (bytes[index] ?? 0);
    return value;
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw endsEarly();
    this.#at += length;
  }
}

function checkUtf8(bytes: Uint8Array): void {
  try {
    textDecoder.decode(bytes);
  } catch (error) {
    throw new NexusError("malformed", "not valid MessagePack: a string is not UTF-8", { cause: error });
  }
}

function endsEarly(): NexusError {
  return malformed("it ends within a value");
}

function malformed(what: string): NexusError {
  return new NexusError("malformed", `not valid MessagePack of the JSON data model: ${what}`);
}
