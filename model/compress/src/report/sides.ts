/** The two models of a comparison: whatever is measured is measured of both. */
export interface Sides<T> {
  readonly original: T;
  readonly compressed: T;
}

/** The same of both, one after the other, the original first. */
export async function inTurn<T, R>(sides: Sides<T>, work: (side: T) => Promise<R>): Promise<Sides<R>> {
  const original = await work(sides.original);
  return { original, compressed: await work(sides.compressed) };
}

/** The same of both at once, each on its share of the cores. */
export async function atOnce<T, R>(sides: Sides<T>, work: (side: T) => Promise<R>): Promise<Sides<R>> {
  const [original, compressed] = await Promise.all([work(sides.original), work(sides.compressed)]);
  return { original, compressed };
}
