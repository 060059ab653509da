import type { Clock, Ids, Logger, StateStore } from "@nexus/ports";

/**
 * Whether an id that is not in the shared memory is new, or was only forgotten: a store that was away, or lost what it
 * had, does not know ids that routers have executed meanwhile.
 *
 * The store holds its own birth date under one key, as long as it lives. A store that is younger than the time for which
 * claims are kept, and one that this router has seen failing in that time, is not believed: live peers are asked as well.
 */
export interface StoreTrust {
  /** Milliseconds of the monotonic clock until which a fresh claim is to be checked with the live peers. */
  readonly doubtedUntilMs: number;
  /** To be read beside every claim, in the same round trip. */
  check(): Promise<void>;
  failed(): void;
}

interface TrustDeps {
  readonly store: StateStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly retentionMs: number;
}

const BIRTH_KEY = "claims-since";
/** Longer than any process waits to write it again. */
const BIRTH_TTL_MS = 30 * 86_400_000;
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

export function createStoreTrust({ store, clock, ids, logger, retentionMs }: TrustDeps): StoreTrust {
  let doubtedUntilMs = Number.NEGATIVE_INFINITY;
  let known: string | undefined;
  const doubt = (forMs: number, why: string): void => {
    const untilMs = clock.monotonicMs() + Math.min(forMs, retentionMs);
    if (untilMs <= doubtedUntilMs) return;
    if (doubtedUntilMs < clock.monotonicMs())
      logger.info({ forMs: Math.round(forMs) }, `fresh claims are checked with peers: ${why}`);
    doubtedUntilMs = untilMs;
  };
  return {
    get doubtedUntilMs() {
      return doubtedUntilMs;
    },
    failed: () => doubt(retentionMs, "the shared memory failed"),
    async check() {
      const found = await store.get(BIRTH_KEY);
      let birth = found === undefined ? undefined : textDecoder.decode(found);
      if (birth === undefined) {
        const mine = `${clock.epochMs()} ${ids.instanceName("store")}`;
        const other = await store.putIfAbsent(BIRTH_KEY, textEncoder.encode(mine), BIRTH_TTL_MS);
        birth = other === undefined ? mine : textDecoder.decode(other);
      }
      if (birth === known) return;
      known = birth;
      const ageMs = clock.epochMs() - Number(birth.split(" ", 1)[0]);
      // A date that is not one is no reason to believe.
      if (!(ageMs >= retentionMs)) doubt(retentionMs - Math.max(0, ageMs || 0), "the shared memory is young");
    },
  };
}
