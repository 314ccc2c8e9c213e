/**
 * "Did you mean": the nearest known word by optimal string alignment (insertions, deletions, changes and
 * swaps of neighbours count one each), if it is near enough to be a slip. Capitals do not count.
 */

/** Half a word is more often an abbreviation than a slip; fewer letters begin too many words. */
const shortestPrefix = 3;

export function suggest(given: string, known: readonly string[]): string | null {
  const meant = given.toLowerCase();
  const limit = Math.max(1, Math.floor(meant.length / 3));
  let best: { readonly word: string; readonly edits: number } | null = null;
  for (const word of known) {
    const edits = word === given ? 0 : editsBetween(meant, word.toLowerCase());
    if (edits <= limit && (best === null || edits < best.edits)) best = { word, edits };
  }
  return best?.word ?? null;
}

function editsBetween(given: string, word: string): number {
  if (given.length >= shortestPrefix && word.startsWith(given)) return given === word ? 0 : 1;
  // Of two letters a change leaves one: that is another word. A letter may be missing or too many.
  if (given.length < shortestPrefix && given.length === word.length && !isSwapped(given, word)) {
    return given === word ? 0 : Number.POSITIVE_INFINITY;
  }
  return editDistance(given, word);
}

function isSwapped(given: string, word: string): boolean {
  return given === [...word].reverse().join("");
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
