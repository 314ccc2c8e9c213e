/** Two ways of the same work by turns: what else runs on the machine meets both. */

/** Runs Node.js to its end. @returns what it printed */
export type Run = (words: readonly string[], env: NodeJS.ProcessEnv) => Promise<string>;

export interface Ways<Figure> {
  readonly plain: () => Promise<Figure>;
  readonly traced: () => Promise<Figure>;
}

/** After one round that is not counted. Whoever comes second may find another machine: that changes with every round. */
export async function pairs<Figure>(
  rounds: number,
  { plain, traced }: Ways<Figure>,
): Promise<{ readonly plain: readonly Figure[]; readonly traced: readonly Figure[] }> {
  const found = { plain: [] as Figure[], traced: [] as Figure[] };
  for (let round = -1; round < rounds; round++) {
    const isPlainFirst = round % 2 === 0;
    const first = await (isPlainFirst ? plain : traced)();
    const second = await (isPlainFirst ? traced : plain)();
    if (round < 0) continue;
    found.plain.push(isPlainFirst ? first : second);
    found.traced.push(isPlainFirst ? second : first);
  }
  return found;
}

/** Of each pair. */
export function ratiosOf(plain: readonly number[], traced: readonly number[]): number[] {
  return plain.map((one, i) => traced[i]! / one);
}
