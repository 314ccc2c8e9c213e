/** What the owner of a log and its hashing thread tell each other. Plain data. */
export interface TreeThreadData {
  /** Of the log, with `checkpoint`, `tile/` and `journal/` in it. */
  readonly folder: string;
  readonly origin: string;
  /** SECRET, in the text form of notes: it signs checkpoints. */
  readonly signingKey: string;
  /** That signed before, in the text form of notes. */
  readonly formerKeys: readonly string[];
  readonly withSm3: boolean;
}

export type TreeTask =
  /** First: the tree as the disk has it, and all events of the journal up to `to`. */
  | { readonly kind: "open"; readonly to: number }
  /** @property lines each with its newline, the first of which is event `first` */
  | { readonly kind: "append"; readonly first: number; readonly lines: Uint8Array<ArrayBuffer> }
  /** Tiles, bundles and a checkpoint are written, in the background unless `wait`. */
  | { readonly kind: "publish"; readonly wait: boolean };

export interface TreeState {
  readonly size: number;
  /** Of the checkpoint on the disk. */
  readonly published: number;
  /** Why the last publication failed; null where it did not. */
  readonly fault: string | null;
}
