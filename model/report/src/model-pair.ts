/** The two models of a comparison: whatever is measured is measured of both. */
export interface ModelPair<T> {
  readonly original: T;
  readonly compressed: T;
}

/** The same of both, one after the other, the original first. */
export async function inTurn<T, R>(pair: ModelPair<T>, work: (side: T) => Promise<R>): Promise<ModelPair<R>> {
  const original = await work(pair.original);
  return { original, compressed: await work(pair.compressed) };
}

/** The same of both at once, each on its share of the cores. */
export async function atOnce<T, R>(pair: ModelPair<T>, work: (side: T) => Promise<R>): Promise<ModelPair<R>> {
  const [original, compressed] = await Promise.all([work(pair.original), work(pair.compressed)]);
  return { original, compressed };
}
