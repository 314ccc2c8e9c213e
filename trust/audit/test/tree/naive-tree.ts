/** RFC 6962 section 2.1 word for word, over leaf hashes: what the tree and its proofs are compared with. */
import { createHash } from "node:crypto";

type Leaves = readonly Uint8Array[];

export function rootOf(leaves: Leaves, algorithm: string): Buffer {
  const [first] = leaves;
  if (first === undefined) return createHash(algorithm).digest();
  if (leaves.length === 1) return Buffer.from(first);
  const k = largestPowerBelow(leaves.length);
  return createHash(algorithm)
    .update(Uint8Array.of(1))
    .update(rootOf(leaves.slice(0, k), algorithm))
    .update(rootOf(leaves.slice(k), algorithm))
    .digest();
}

/** PATH(m, D[n]). */
export function pathOf(m: number, leaves: Leaves, algorithm: string): Buffer[] {
  const n = leaves.length;
  if (n === 1) return [];
  const k = largestPowerBelow(n);
  return m < k
    ? [...pathOf(m, leaves.slice(0, k), algorithm), rootOf(leaves.slice(k), algorithm)]
    : [...pathOf(m - k, leaves.slice(k), algorithm), rootOf(leaves.slice(0, k), algorithm)];
}

/** PROOF(m, D[n]). */
export function proofOf(m: number, leaves: Leaves, algorithm: string): Buffer[] {
  return subproofOf(m, leaves, true, algorithm);
}

function subproofOf(m: number, leaves: Leaves, isComplete: boolean, algorithm: string): Buffer[] {
  const n = leaves.length;
  if (m === n) return isComplete ? [] : [rootOf(leaves, algorithm)];
  const k = largestPowerBelow(n);
  return m <= k
    ? [...subproofOf(m, leaves.slice(0, k), isComplete, algorithm), rootOf(leaves.slice(k), algorithm)]
    : [...subproofOf(m - k, leaves.slice(k), false, algorithm), rootOf(leaves.slice(0, k), algorithm)];
}

function largestPowerBelow(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}
