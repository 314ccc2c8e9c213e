/** Entries of all lengths whose parts follow from one number: one that was torn between two of them shows it. */
import assert from "node:assert/strict";
import type { RuntimeEntry } from "../../src/ring/ring-reader.ts";
import type { RingWriter } from "../../src/ring/ring-writer.ts";

const words = ["", "x", "größer", "数据", "🜚🜛", "a longer text without end ".repeat(4)];

const textsOf = (i: number) =>
  [words[i % 6] ?? "", `${i}`.repeat(1 + (i % 7)), words[(i >> 3) % 6] ?? ""] as const;

export function writeChecked(writer: RingWriter, i: number): void {
  if (i % 5 === 0) writer.write("loop", [i, i + 1, i + 2, i + 3, i + 4, i + 5], [], i);
  else writer.write("http.client.request", [i], textsOf(i), i);
}

/** @returns the number */
export function assertWhole({ kind, sequence, time, numbers, texts, truncated }: RuntimeEntry): number {
  const i = numbers[0]!;
  assert.equal(sequence, i);
  assert.equal(time, i);
  assert.deepEqual(truncated, []);
  if (i % 5 === 0) {
    assert.equal(kind, "loop");
    assert.deepEqual(numbers, [i, i + 1, i + 2, i + 3, i + 4, i + 5]);
  } else {
    assert.equal(kind, "http.client.request");
    assert.deepEqual(texts, textsOf(i));
  }
  return i;
}
