/**
 * Seeded random numbers: everything Cupel draws is repeatable from one `--seed`.
 *
 * sfc32 (Doty-Humphrey's Small Fast Chaotic generator, from PractRand), 128 bits of state.
 */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform integer in [0, limit). */
  integer(limit: number): number;
  /** Standard normal, by Box and Muller. */
  normal(): number;
  /** The indices 0..count-1 in a random order (Fisher and Yates). */
  permutation(count: number): number[];
}

export function createRandom(seed: number): Random {
  let a = 0x9e3779b9 | 0;
  let b = seed | 0;
  let c = Math.floor(seed / 2 ** 32) | 0;
  let counter = 1;
  const next = (): number => {
    const out = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + out;
    return out >>> 0;
  };
  for (let i = 0; i < 15; i++) next();

  const uniform = (): number => next() / 2 ** 32;
  const integer = (limit: number): number => Math.floor(uniform() * limit);
  return {
    uniform,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    permutation(count) {
      const order = Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = integer(i + 1);
        const held = order[i]!;
        order[i] = order[j]!;
        order[j] = held;
      }
      return order;
    },
  };
}
