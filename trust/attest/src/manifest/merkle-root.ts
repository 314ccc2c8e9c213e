/**
 * The root of a manifest: that of the Merkle tree over its entries, RFC 6962 section 2.1, by SHA-256 and by SM3. A leaf
 * is hashed after a byte 0 and a node after a byte 1, so that neither can pass for the other.
 *
 * The bytes of a leaf; numbers are big-endian:
 *
 *     1   version, 1
 *     4   length of the path in bytes
 *     n   path, UTF-8
 *     1   kind: 1 file, 2 link, 3 empty folder
 *     1   mode: 1 when the owner may execute the file, else 0
 *     8   size of the content in bytes
 *     32  SHA-256 of the content
 *     32  SM3 of the content
 *
 * The content of a link is its target in UTF-8; an empty folder has none. Both trees hash the same leaves, so either
 * root stands for both digests.
 */
import { hash } from "node:crypto";
import { type Digests, type HashName, hashNames, type Manifest, type ManifestEntry } from "./manifest.ts";

const version = 1;
const kinds = { file: 1, link: 2, folder: 3 } as const satisfies Record<ManifestEntry["kind"], number>;

/** In lower-case hex. */
export type ManifestRoots = Digests;

/** @param manifest in the order of its paths' code points */
export function manifestRoots(manifest: Manifest): ManifestRoots {
  const leaves = manifest.map(leafOf);
  return { sha256: merkleRoot("sha256", leaves), sm3: merkleRoot("sm3", leaves) };
}

/** In lower-case hex; of no leaves, the hash of nothing. */
export function merkleRoot(name: HashName, leaves: Iterable<Uint8Array>): string {
  const digest = (...parts: Uint8Array[]) => hash(name, Buffer.concat(parts), "buffer");
  const node = (left: Buffer, right: Buffer) => digest(Uint8Array.of(1), left, right);
  // The full subtrees so far, largest first: one for each bit of the count.
  const full: Buffer[] = [];
  let count = 0;
  for (const leaf of leaves) {
    let subtree: Buffer = digest(Uint8Array.of(0), leaf);
    for (let left = count++; left % 2 === 1; left = Math.floor(left / 2))
      subtree = node(full.pop()!, subtree);
    full.push(subtree);
  }
  let root = full.pop() ?? digest();
  for (let left = full.pop(); left !== undefined; left = full.pop()) root = node(left, root);
  return root.toString("hex");
}

function leafOf(entry: ManifestEntry): Buffer {
  const path = Buffer.from(entry.path);
  const { size, executable, digests } = contentOf(entry);
  const head = Buffer.alloc(1 + 4);
  head.writeUInt8(version);
  head.writeUInt32BE(path.length, 1);
  const facts = Buffer.alloc(1 + 1 + 8);
  facts.writeUInt8(kinds[entry.kind]);
  facts.writeUInt8(executable ? 1 : 0, 1);
  facts.writeBigUInt64BE(BigInt(size), 2);
  const hashes = hashNames.map((name) => Buffer.from(digests[name], "hex"));
  return Buffer.concat([head, path, facts, ...hashes]);
}

interface Content {
  readonly size: number;
  readonly executable: boolean;
  readonly digests: Digests;
}

function contentOf(entry: ManifestEntry): Content {
  if (entry.kind === "file") return { size: entry.size, executable: entry.executable, digests: entry };
  const bytes = Buffer.from(entry.kind === "link" ? entry.target : "");
  const digests = { sha256: hash("sha256", bytes), sm3: hash("sm3", bytes) };
  return { size: bytes.length, executable: false, digests };
}
