/**
 * The hashes of a Merkle tree, RFC 6962 section 2.1 (the same in RFC 9162): a leaf is hashed after a byte 0 and a node
 * after a byte 1, so that neither can pass for the other. SHA-256 is what other people's tools verify; SM3 gives the same
 * tree for those who must use it.
 * Each hash is taken as a string of one byte a character and made a buffer then: a buffer that comes out of OpenSSL
 * itself costs a microsecond more, as it gets memory of its own.
 */
import { hash } from "node:crypto";

/** Bytes of a hash, of SHA-256 and SM3 alike. */
export const HASH_BYTES = 32;

export interface TreeHash {
  readonly name: "sha256" | "sm3";
  /** Of a tree without leaves. */
  empty(): Buffer;
  /** @param line the bytes of an entry, a line without its newline */
  leaf(line: Uint8Array): Buffer;
  node(left: Uint8Array, right: Uint8Array): Buffer;
}

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;
/** An entry of a bundle fits into it, and what is longer gets its own. */
const SCRATCH_BYTES = 2 ** 16;

function treeHash(name: TreeHash["name"]): TreeHash {
  // Both are filled anew by each call, which ends before another begins.
  const leafBytes = Buffer.alloc(SCRATCH_BYTES);
  const nodeBytes = Buffer.alloc(1 + 2 * HASH_BYTES);
  leafBytes[0] = LEAF_PREFIX;
  nodeBytes[0] = NODE_PREFIX;
  const digest = (bytes: Uint8Array) => Buffer.from(hash(name, bytes, "binary"), "binary");
  return {
    name,
    empty: () => digest(new Uint8Array()),
    leaf(line) {
      const length = 1 + line.byteLength;
      if (length > SCRATCH_BYTES) return digest(Buffer.concat([Uint8Array.of(LEAF_PREFIX), line]));
      leafBytes.set(line, 1);
      return digest(leafBytes.subarray(0, length));
    },
    node(left, right) {
      nodeBytes.set(left, 1);
      nodeBytes.set(right, 1 + HASH_BYTES);
      return digest(nodeBytes);
    },
  };
}

export const sha256Tree: TreeHash = treeHash("sha256");
export const sm3Tree: TreeHash = treeHash("sm3");

/** SHA-256(0x00 || line). @param line without its newline */
export function leafHash(line: Uint8Array): Buffer {
  return sha256Tree.leaf(line);
}
