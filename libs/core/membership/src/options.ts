/** Times are milliseconds. The defaults keep two promises at up to 50 members: see `suspicionMinMs`. */
export interface SwimOptions {
  /** One member is probed in each period. */
  readonly periodMs: number;
  /** After that, others are asked to try; the rest of the period is theirs. */
  readonly pingTimeoutMs: number;
  /** How many others. */
  readonly indirectProbes: number;
  /**
   * How long a suspicion that was confirmed often enough lasts: the shortest time in which a member that lives is convicted.
   * A process stopped for 2 s is suspected after one period (0.3 s) at the earliest and denies it at 2 s, which leaves 0.7 s
   * for its word to reach everybody. A killed one is first probed within 1.4 s (p99: at every size, one member on average
   * pings it in each period), suspected one period later and, with 0.4 s for the news, known dead in 4.5 s.
   * Beyond 50 members it grows with their logarithm, as the time for news does.
   */
  readonly suspicionMinMs: number;
  /** A suspicion that nobody confirms lasts this many times longer. */
  readonly suspicionMaxFactor: number;
  /** How many others have to confirm a suspicion (K); at most n − 2. 0: every suspicion lasts the shortest time. */
  readonly confirmations: number;
  /** Upper end of the local health multiplier (S); 0: probes never slow down. */
  readonly healthMax: number;
  /** Whether each frame tells its recipient first what is held against it. */
  readonly buddy: boolean;
  /** Being woken later than this is a pause of one's own. */
  readonly pauseToleranceMs: number;
  /** λ: an update is sent ⌈λ·log2(n + 1)⌉ times by each member. */
  readonly spreadFactor: number;
  /** Updates that a probe's frames carry. */
  readonly piggybackMax: number;
  /** While there is news, it is pushed this often, to `pushFanout` members; 0: only probes and `takeUpdates` spread it. */
  readonly pushEveryMs: number;
  readonly pushFanout: number;
  /** Updates in a pushed frame, and in a piece of the whole list. */
  readonly newsMax: number;
  /** How often one other member is asked for its list, if its digest differs. */
  readonly syncEveryMs: number;
  /** How often somebody is asked to let one in who knows nobody. */
  readonly joinEveryMs: number;
  /** How often one of the dead, or a seed that is absent, is tried again. */
  readonly retryEveryMs: number;
  /**
   * How long the dead and those who left are remembered. It bounds two things: how old an "alive" may be and still be known
   * for stale, and how long a partition may last after which both sides find each other without help. The first is a matter
   * of seconds, the second of minutes (a server's restart, a switch's), and remembering costs some 200 bytes each.
   */
  readonly tombstoneMs: number;
  /** All that are remembered, tombstones and this member among them. */
  readonly membersMax: number;
  /** Probes on behalf of others that may be under way. */
  readonly relaysMax: number;
  /** Whole lists that are sent in a second. */
  readonly listsPerSecondMax: number;
  /**
   * Incarnations are times of the wall clock. What accuses may be ahead by this, what denies by twice as much, so that an
   * accusation that is believed can be denied.
   */
  readonly aheadMsMax: number;
}

export const swimDefaults: SwimOptions = {
  periodMs: 300,
  pingTimeoutMs: 150,
  indirectProbes: 3,
  suspicionMinMs: 2_400,
  suspicionMaxFactor: 3,
  confirmations: 3,
  healthMax: 8,
  buddy: true,
  pauseToleranceMs: 100,
  spreadFactor: 3,
  piggybackMax: 8,
  pushEveryMs: 100,
  pushFanout: 3,
  newsMax: 64,
  syncEveryMs: 10_000,
  joinEveryMs: 1_000,
  retryEveryMs: 5_000,
  tombstoneMs: 600_000,
  membersMax: 10_000,
  relaysMax: 256,
  listsPerSecondMax: 32,
  aheadMsMax: 86_400_000,
};
