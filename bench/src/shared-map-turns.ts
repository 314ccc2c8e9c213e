/**
 * Contenders that take turns: in every round each has one, long enough that what is in the caches is its own,
 * and a round begins with another one than the round before.
 */
import { type Spread, spreadOf } from "@cupel/base";

export interface Turn<Name extends string> {
  readonly name: Name;
  readonly operations: number;
  /** What `run` returns if every operation did what it should: it is also what keeps them from being left out. */
  readonly expected: number;
  /** Not timed. */
  prepare?(): void;
  /**
   * The loop itself. Every turn has one of its own, written out: a loop that several shared would call
   * through a place where V8 expects any of them.
   */
  run(): number | Promise<number>;
}

export interface Timings<Name extends string> {
  /** Nanoseconds an operation. */
  readonly nanoseconds: Readonly<Record<Name, Spread>>;
  /** Time of one over time of the other, from round to round. */
  ratio(of: Name, to: Name): Spread;
}

/** The first round warms caches and the compiler, and does not count. */
export async function takeTurns<Name extends string>(
  turns: readonly Turn<Name>[],
  rounds: number,
  signal: AbortSignal,
): Promise<Timings<Name>> {
  const times = new Map<Name, number[]>(turns.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (let place = 0; place < turns.length; place++) {
      signal.throwIfAborted();
      const turn = turns[(place + round) % turns.length]!;
      const time = await timeOf(turn);
      if (round > 0) times.get(turn.name)!.push(time);
    }
  }
  return {
    nanoseconds: Object.fromEntries(
      turns.map(({ name }) => [name, spreadOf(times.get(name)!)] as const),
    ) as Record<Name, Spread>,
    ratio: (of, to) => spreadOf(times.get(of)!.map((time, round) => time / times.get(to)![round]!)),
  };
}

async function timeOf<Name extends string>(turn: Turn<Name>): Promise<number> {
  turn.prepare?.();
  const started = performance.now();
  const running = turn.run();
  const result = typeof running === "number" ? running : await running;
  const took = performance.now() - started;
  if (result !== turn.expected) {
    throw new Error(`"${turn.name}" came to ${result} instead of ${turn.expected}.`);
  }
  return (took * 1e6) / turn.operations;
}
