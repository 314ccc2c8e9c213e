/** The least number of characters to put in, to take out and to change (Levenshtein, 1966) to make one text of another. */

/** By code points, so that a character beyond the basic plane is one. */
export function editDistance(first: string, second: string): number {
  const [a, b] = [Array.from(first), Array.from(second)];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, from] of a.entries()) {
    const next = [i + 1];
    for (const [j, to] of b.entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + Number(from !== to)));
    }
    row = next;
  }
  return row[b.length]!;
}
