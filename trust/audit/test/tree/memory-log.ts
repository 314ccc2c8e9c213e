/** A log in memory, as a folder would hold it: its files by their paths. */
import {
  bundleFile,
  EntryBundles,
  type LogFile,
  type LogSource,
  MerkleTree,
  sha256Tree,
  sm3TileFile,
  sm3Tree,
  tileFile,
} from "@cupel/audit";

export interface MemoryLog extends LogSource {
  readonly files: Map<string, Buffer>;
  readonly tree: MerkleTree;
  readonly sm3: MerkleTree;
  append(lines: readonly string[]): void;
  /** The files since the last call, which are then in `files`. */
  publish(): readonly LogFile[];
}

export function memoryLog(): MemoryLog {
  const files = new Map<string, Buffer>();
  const tree = new MerkleTree();
  const sm3 = new MerkleTree(sm3Tree);
  const bundles = new EntryBundles();
  return {
    name: "memory",
    files,
    tree,
    sm3,
    async read(path) {
      return files.get(path) ?? null;
    },
    append(lines) {
      for (const line of lines) {
        const bytes = Buffer.from(line);
        bundles.append(bytes);
        tree.append(sha256Tree.leaf(bytes));
        sm3.append(sm3Tree.leaf(bytes));
      }
    },
    publish() {
      const written = [
        ...tree.takeTiles().map(tileFile),
        ...sm3.takeTiles().map(sm3TileFile),
        ...bundles.takeBundles().map(bundleFile),
      ];
      for (const { path, bytes, replaces } of written) {
        files.set(path, Buffer.from(bytes));
        if (replaces === null) continue;
        for (const each of files.keys()) if (each.startsWith(`${replaces}/`)) files.delete(each);
      }
      return written;
    },
  };
}
