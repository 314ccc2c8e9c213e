/** Logs for tools that no one here wrote, as `@cupel/audit` writes them. */
import {
  bundleFile,
  checkpointText,
  EntryBundles,
  MerkleTree,
  type NoteSigningKey,
  type SignedNote,
  sha256Tree,
  signNote,
  sm3TileFile,
  sm3Tree,
  tileFile,
  writeCheckpoint,
  writeLogFiles,
} from "@cupel/audit";

export interface SampleLog {
  /** Adds entries, of 0 to 200 bytes, and writes the log with a checkpoint. */
  grow(entries: number): Promise<SignedNote>;
}

/** @param key whose name is the origin @param word that its entries consist of, for logs that differ */
export function sampleLog(folder: string, key: NoteSigningKey, word = "entry"): SampleLog {
  const tree = new MerkleTree();
  const sm3 = new MerkleTree(sm3Tree);
  const bundles = new EntryBundles();
  return {
    async grow(entries) {
      for (let each = 0; each < entries; each++) {
        const entry = Buffer.from(`${word} ${tree.size} `.repeat(tree.size % 15));
        bundles.append(entry);
        tree.append(sha256Tree.leaf(entry));
        sm3.append(sm3Tree.leaf(entry));
      }
      await writeLogFiles(folder, [
        ...tree.takeTiles().map(tileFile),
        ...sm3.takeTiles().map(sm3TileFile),
        ...bundles.takeBundles().map(bundleFile),
      ]);
      const note = signNote(checkpointText(key.name, tree.size, tree.root(), sm3.root()), [key]);
      await writeCheckpoint(folder, note);
      return note;
    },
  };
}
