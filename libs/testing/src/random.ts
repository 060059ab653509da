const WARM_UP_ROUNDS = 15;

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): small, fast, the same sequence for the same seed everywhere. Not for secrets.
 * @param seed its lower 32 bits count
 * @returns a function whose results are uniform in [0, 1), with 32 bits
 */
export function createRandom(seed: number): () => number {
  let [a, b, c, counter] = [0, seed | 0, 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The author's way to spread a small seed over the whole state.
  for (let round = 0; round < WARM_UP_ROUNDS; round++) next();
  return next;
}
