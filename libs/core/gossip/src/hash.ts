/** 64 bits in two halves; `XorHash` of a set is the same whatever the order in which it came to be. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** cyrb53's mixing (bryc, public domain) with all 64 bits kept. Not for what an adversary chooses. */
export function hashOf(text: string): Hash64 {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  const mixed = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  const other = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(mixed ^ (mixed >>> 13), 3_266_489_909);
  return { high: mixed >>> 0, low: other >>> 0 };
}

/** The hash of a set, kept while members come and go. */
export class XorHash {
  #high = 0;
  #low = 0;

  /** Puts a member in, or takes it out again. */
  toggle(member: string): void {
    const { high, low } = hashOf(member);
    this.#high ^= high;
    this.#low ^= low;
  }

  /** Sixteen hexadecimal digits. */
  get text(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/** The hash of a set in parts, by the members' keys, so that what differs between two sets is found without sending all. */
export class BucketHash {
  readonly #buckets: readonly XorHash[];

  constructor(count: number) {
    this.#buckets = Array.from({ length: count }, () => new XorHash());
  }

  bucketOf(key: string): number {
    return hashOf(key).low % this.#buckets.length;
  }

  toggle(key: string, member: string): void {
    this.#buckets[this.bucketOf(key)]?.toggle(member);
  }

  get texts(): string[] {
    return this.#buckets.map(({ text }) => text);
  }
}
