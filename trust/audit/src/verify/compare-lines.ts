/**
 * How the lines of a segment differ from those that were hashed when they were recorded, by their hashes alone. Lines that
 * stand in the right order (a longest increasing subsequence of their places) are the anchors; a known line beside them
 * was moved, and between two anchors lines that are not known stand for ones that are missing: edited. No two events are
 * the same, so a line has one place.
 */

export interface LineDifference {
  readonly kind: "edited" | "removed" | "inserted" | "reordered";
  /** Of the first one, in what was recorded; for "inserted" of the one that it stands before. */
  readonly at: number;
  readonly count: number;
}

export interface LineComparison {
  /** By place. */
  readonly differences: readonly LineDifference[];
  /** Lines after all that are expected. */
  readonly beyond: number;
}

/** @param expected leaf hashes, in the order of recording */
export function compareLines(expected: readonly Uint8Array[], found: readonly Uint8Array[]): LineComparison {
  const places = placesOf(expected, found);
  const anchors = increasing(places);
  const isAnchor = new Set(anchors);
  const isKnown = new Set(places);
  const runs: LineDifference[] = [];
  const add = (kind: LineDifference["kind"], at: number, count: number) => {
    if (count > 0) runs.push({ kind, at, count });
  };
  let beyond = 0;
  let from = 0;
  let line = 0;
  for (const anchor of [...anchors, found.length]) {
    const isEnd = anchor === found.length;
    const to = isEnd ? expected.length : (places[anchor] ?? expected.length);
    const missing = indices(from, to).filter((place) => !isKnown.has(place));
    const strange = indices(line, anchor).filter((at) => places[at] === null).length;
    const edited = Math.min(missing.length, strange);
    for (const [at, place] of missing.entries()) add(at < edited ? "edited" : "removed", place, 1);
    if (isEnd) beyond = strange - edited;
    else add("inserted", to, strange - edited);
    from = to + 1;
    line = anchor + 1;
  }
  for (const [at, place] of places.entries()) {
    if (place !== null && !isAnchor.has(at)) add("reordered", place, 1);
  }
  return { differences: merged(runs.toSorted((a, b) => a.at - b.at)), beyond };
}

/** Of each line that was found, its place in what was recorded. A second copy of a line has none. */
function placesOf(expected: readonly Uint8Array[], found: readonly Uint8Array[]): (number | null)[] {
  const left = new Map(expected.map((hash, place) => [keyOf(hash), place]));
  return found.map((hash) => {
    const key = keyOf(hash);
    const place = left.get(key) ?? null;
    left.delete(key);
    return place;
  });
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("latin1");
}

/** Which of `places` make a longest increasing subsequence, by patience sorting. */
function increasing(places: readonly (number | null)[]): number[] {
  /** Of each length, the element that ends such a sequence and has the least place. */
  const ends: number[] = [];
  const before = new Map<number, number | undefined>();
  const placeAt = (at: number | undefined) => (at === undefined ? -1 : (places[at] ?? -1));
  for (const [at, place] of places.entries()) {
    if (place === null) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (placeAt(ends[middle]) < place) low = middle + 1;
      else high = middle;
    }
    before.set(at, ends[low - 1]);
    ends[low] = at;
  }
  const chosen: number[] = [];
  for (let at = ends.at(-1); at !== undefined; at = before.get(at)) chosen.push(at);
  return chosen.reverse();
}

function indices(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function merged(runs: readonly LineDifference[]): LineDifference[] {
  const result: LineDifference[] = [];
  for (const run of runs) {
    const last = result.at(-1);
    if (last?.kind === run.kind && last.at + last.count === run.at && run.kind !== "inserted") {
      result[result.length - 1] = { ...last, count: last.count + run.count };
    } else result.push(run);
  }
  return result;
}
