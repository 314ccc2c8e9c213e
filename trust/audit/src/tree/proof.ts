/**
 * Proofs of a Merkle tree, RFC 6962 sections 2.1.1 and 2.1.2: which subtrees their hashes are of, and checking them by
 * the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2. Nothing here reads a log: whoever has a proof and a root
 * needs nothing else.
 *
 * An inclusion proof shows that an entry is in a tree, a consistency proof that a tree is the beginning of a larger one.
 */
import { auditErrors } from "../errors.ts";
import { HASH_BYTES, sha256Tree, type TreeHash } from "./tree-hash.ts";
import { isTreeSize, splitOf } from "./tree-size.ts";

/** Of leaves from `begin` (included) to `end` (excluded). */
export interface LeafRange {
  readonly begin: number;
  readonly end: number;
}

/** Hashes of an inclusion proof, the sibling of the leaf first. @param index below `size` */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  return pathIn(index, { begin: 0, end: size });
}

function pathIn(index: number, { begin, end }: LeafRange): LeafRange[] {
  if (end - begin <= 1) return [];
  const middle = begin + splitOf(end - begin);
  const left = { begin, end: middle };
  const right = { begin: middle, end };
  return index < middle ? [...pathIn(index, left), right] : [...pathIn(index, right), left];
}

/** Hashes of a consistency proof; none from 0 or to the same size. @param oldSize at most `size` */
export function consistencyRanges(oldSize: number, size: number): LeafRange[] {
  return oldSize === 0 ? [] : subproofIn(oldSize, { begin: 0, end: size });
}

function subproofIn(oldSize: number, range: LeafRange): LeafRange[] {
  const { begin, end } = range;
  // The old tree is a whole subtree here. Where it is the whole old tree its root is known.
  if (oldSize === end) return begin === 0 ? [] : [range];
  const middle = begin + splitOf(end - begin);
  const left = { begin, end: middle };
  const right = { begin: middle, end };
  return oldSize <= middle ? [...subproofIn(oldSize, left), right] : [...subproofIn(oldSize, right), left];
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  /** The hash of the entry. */
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** @param hash of the tree; default SHA-256. @throws PROOF_INVALID */
export function verifyInclusion(claim: InclusionClaim, hash: TreeHash = sha256Tree): void {
  const { index, size, leaf, root, proof } = claim;
  const refuse = (reason: string) =>
    auditErrors.error("PROOF_INVALID", `Entry ${index} of a tree of ${size} is not proved: ${reason}.`);
  if (!isTreeSize(index) || !isTreeSize(size) || index >= size) throw refuse("there is no such entry");
  if (![leaf, ...proof].every(isHash)) throw refuse("not all hashes have 32 bytes");
  const way = new Way(index, size - 1);
  let found = leaf;
  for (const sibling of proof) {
    if (way.isAtTop) throw refuse("the proof is too long");
    found = way.isRightOrLast ? hash.node(sibling, found) : hash.node(found, sibling);
    way.climb();
  }
  if (!way.isAtTop) throw refuse("the proof is too short");
  if (!isSame(found, root)) throw refuse("it leads to another root");
}

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * @param claim from size 0 is refused: every tree goes on from an empty one, and there is nothing to show
 * @param hash of the tree; default SHA-256
 * @throws PROOF_INVALID
 */
export function verifyConsistency(claim: ConsistencyClaim, hash: TreeHash = sha256Tree): void {
  const { oldSize, oldRoot, size, root, proof } = claim;
  const refuse = (reason: string) =>
    auditErrors.error(
      "PROOF_INVALID",
      `It is not proved that the tree of ${size} goes on from the tree of ${oldSize}: ${reason}.`,
    );
  if (!isTreeSize(oldSize) || !isTreeSize(size) || oldSize > size) throw refuse("it is not larger");
  if (oldSize === 0) throw refuse("every tree goes on from an empty one, and nothing can prove it");
  if (oldSize === size) {
    if (proof.length > 0) throw refuse("a proof of the same size has no hash");
    if (!isSame(oldRoot, root)) throw refuse("the two roots differ");
    return;
  }
  const way = new Way(oldSize - 1, size - 1);
  way.climbWhileRight();
  // An old tree that is one full subtree begins with itself: its root is not sent.
  const hashes = way.isAtLeft ? [oldRoot, ...proof] : proof;
  if (!hashes.every(isHash)) throw refuse("not all hashes have 32 bytes");
  const [first, ...rest] = hashes;
  if (first === undefined) throw refuse("the proof is empty");
  let oldFound = first;
  let found = first;
  for (const sibling of rest) {
    if (way.isAtTop) throw refuse("the proof is too long");
    if (way.isRightOrLast) {
      oldFound = hash.node(sibling, oldFound);
      found = hash.node(sibling, found);
    } else {
      found = hash.node(found, sibling);
    }
    way.climb();
  }
  if (!way.isAtTop) throw refuse("the proof is too short");
  if (!isSame(oldFound, oldRoot)) throw refuse("it leads to another old root");
  if (!isSame(found, root)) throw refuse("it leads to another root");
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.byteLength === HASH_BYTES;
}

/** Hashes of a log are no secret. */
function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** From a node to the top of a tree: its index at its level, and that of the last node there. */
class Way {
  #index: number;
  #last: number;

  constructor(index: number, last: number) {
    this.#index = index;
    this.#last = last;
  }

  get isAtTop(): boolean {
    return this.#last === 0;
  }

  get isAtLeft(): boolean {
    return this.#index === 0;
  }

  /** Its sibling lies at the left; a last one without sibling climbs to where it has one. */
  get isRightOrLast(): boolean {
    return this.#index % 2 === 1 || this.#index === this.#last;
  }

  climb(): void {
    if (this.#index % 2 === 0 && this.#index === this.#last) {
      while (this.#index % 2 === 0 && this.#index !== 0) this.#up();
    }
    this.#up();
  }

  climbWhileRight(): void {
    while (this.#index % 2 === 1) this.#up();
  }

  #up(): void {
    this.#index = Math.floor(this.#index / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}
