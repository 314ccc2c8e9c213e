/**
 * "Did you mean": the nearest known word by optimal string alignment (insertions, deletions, changes and
 * swaps of neighbours count one each), if it is near enough to be a slip.
 */
export function suggest(given: string, known: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(given.length / 3));
  let best: { readonly word: string; readonly edits: number } | null = null;
  for (const word of known) {
    // Half a word is more often an abbreviation than a slip.
    const edits = given.length >= 3 && word.startsWith(given) ? 1 : editDistance(given, word);
    if (edits <= limit && (best === null || edits < best.edits)) best = { word, edits };
  }
  return best?.word ?? null;
}

export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          last[j]! + 1,
          row[j - 1]! + 1,
          last[j - 1]! + (same ? 0 : 1),
          swapped ? beforeLast[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
