/**
 * The tree of a log that is being written, as the hashing thread has it: leaves are added in memory, and now and then what
 * has grown is published: tiles and bundles first, durably, then a signed checkpoint of their size. So nothing on the disk
 * is ahead of what stands behind it, and after a crash the tree is taken up where the checkpoint says and goes on
 * from the journal. While a publication waits for the disk leaves are added all the same.
 */
import { join } from "node:path";
import { CupelError, reasonOf, systemClock } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { systemDisk } from "../journal/disk.ts";
import { linesOf } from "../journal/lines.ts";
import { readJournal } from "../journal/read-journal.ts";
import { checkpointText, openCheckpoint } from "../note/checkpoint.ts";
import { type NoteKey, type NoteSigningKey, parseNoteKey, parseNoteSigningKey } from "../note/note-key.ts";
import { signNote } from "../note/signed-note.ts";
import { EntryBundles } from "../tree/entry-bundle.ts";
import {
  bundleFile,
  type DurableFolders,
  type LogFile,
  sm3TileFile,
  tileFile,
  writeCheckpoint,
  writeLogFiles,
} from "../tree/log-files.ts";
import { type LogReader, readLog } from "../tree/log-reader.ts";
import { MerkleTree } from "../tree/merkle-tree.ts";
import { TILE_WIDTH } from "../tree/tile-layout.ts";
import { leafHash, sm3Tree } from "../tree/tree-hash.ts";
import type { TreeState, TreeThreadData } from "./tree-task.ts";

/** Files that a publication has not written yet, of about 75 kB each with its tile: beyond, leaves wait for the disk. */
const mostUnwritten = 4096;

/** A publication takes at most this part of the time, unless it is asked for: the disk and the processor have other work. */
const publishingShare = 1 / 200;
/** Milliseconds without a checkpoint, at most, however slow the disk. */
const longestRest = 10_000;

const journalFolder = "journal";

export class GrowingTree {
  readonly #data: TreeThreadData;
  readonly #key: NoteSigningKey;
  readonly #tree: MerkleTree;
  readonly #sm3: MerkleTree | null;
  readonly #bundles: EntryBundles;
  #published: number;
  /** Taken out of the trees, and not on the disk for sure. */
  #unwritten: LogFile[] = [];
  readonly #durableFolders: DurableFolders = new Set();
  /** By the monotonic clock: before, nothing is published that nobody waits for. */
  #restsUntil = 0;
  #publication: Promise<void> | null = null;
  #fault: string | null = null;

  private constructor(
    data: TreeThreadData,
    key: NoteSigningKey,
    state: { tree: MerkleTree; sm3: MerkleTree | null; bundles: EntryBundles; isNew: boolean },
  ) {
    this.#data = data;
    this.#key = key;
    this.#tree = state.tree;
    this.#sm3 = state.sm3;
    this.#bundles = state.bundles;
    // A log that has no checkpoint yet gets one, also where it is empty.
    this.#published = state.isNew ? -1 : state.tree.size;
  }

  /**
   * @param to events of the journal that are acknowledged
   * @throws LOG_DAMAGED where the checkpoint tells of more events than the journal has, or of others; KEY_UNKNOWN,
   * SIGNATURE_INVALID and what else reading a log throws
   */
  static async open(data: TreeThreadData, to: number): Promise<GrowingTree> {
    const key = parseNoteSigningKey(data.signingKey);
    const log = readLog(data.folder);
    const found = await readCheckpoint(log, data.origin, [
      key,
      ...data.formerKeys.map((text) => parseNoteKey(text)),
    ]);
    const size = found?.size ?? 0;
    if (size > to) {
      throw auditErrors.error(
        "LOG_DAMAGED",
        `The checkpoint of ${data.folder} tells of ${size} events and its journal has ${to}: the last ones were removed. Keep the folder for the inquiry, see \`cupel audit verify\`, and record into another folder until it is clear.`,
        { details: { folder: data.folder, checkpoint: size, journal: to } },
      );
    }
    const tree = await log.tree(size);
    if (found !== null && !tree.root().equals(found.root)) throw changed(data.folder, size);
    const sm3 = data.withSm3 ? await sm3TreeOf(log, data.folder, size) : null;
    if (found?.sm3Root && sm3 && !sm3.root().equals(found.sm3Root)) throw changed(data.folder, size);
    const bundles = new EntryBundles(size, await lastEntries(log, data.folder, size));
    return new GrowingTree(data, key, { tree, sm3, bundles, isNew: found === null });
  }

  /** Takes what is missing from the journal. @param to events of it that are acknowledged. @throws LOG_DAMAGED */
  async catchUp(to: number): Promise<void> {
    const folder = join(this.#data.folder, journalFolder);
    for await (const { lines } of readJournal(systemDisk, folder, { from: this.#tree.size, to })) {
      for (const line of lines) this.#add(line);
      await this.#makeRoom();
    }
  }

  get state(): TreeState {
    return { size: this.#tree.size, published: Math.max(0, this.#published), fault: this.#fault };
  }

  /** @param lines each with its newline. Those that the tree has are passed over; after a gap nothing is taken: RangeError */
  async append(first: number, lines: Uint8Array): Promise<void> {
    if (first > this.#tree.size) throw new RangeError(`Event ${first} cannot follow on ${this.#tree.size}.`);
    for (const line of linesOf(lines).slice(this.#tree.size - first)) this.#add(line);
    await this.#makeRoom();
  }

  /** Begins to publish what has grown, where that is not under way. What fails is told by `state` and is done at the next call. */
  publish(): void {
    if (systemClock.monotonic() >= this.#restsUntil) this.#begin();
  }

  /** Resolves when a publication of the present size has succeeded or failed. */
  async publishAll(): Promise<void> {
    await this.#publication;
    this.#begin();
    await this.#publication;
  }

  #begin(): void {
    if (this.#publication !== null || this.#published === this.#tree.size) return;
    const began = systemClock.monotonic();
    this.#publication = this.#write().finally(() => {
      const ended = systemClock.monotonic();
      this.#restsUntil = ended + Math.min(longestRest, (ended - began) / publishingShare);
      this.#publication = null;
    });
  }

  #add(line: Uint8Array): void {
    this.#tree.append(leafHash(line));
    this.#sm3?.append(sm3Tree.leaf(line));
    this.#bundles.append(line);
  }

  /** Finished tiles and bundles are memory. */
  async #makeRoom(): Promise<void> {
    const unwritten = (2 * (this.#tree.size - Math.max(0, this.#published))) / TILE_WIDTH;
    if (unwritten > mostUnwritten) await this.publishAll();
  }

  async #write(): Promise<void> {
    const { folder, origin } = this.#data;
    const size = this.#tree.size;
    const text = checkpointText(origin, size, this.#tree.root(), this.#sm3?.root() ?? null);
    this.#unwritten.push(
      ...this.#bundles.takeBundles().map(bundleFile),
      ...this.#tree.takeTiles().map(tileFile),
      ...(this.#sm3?.takeTiles().map(sm3TileFile) ?? []),
    );
    try {
      await writeLogFiles(folder, this.#unwritten, this.#durableFolders);
      await writeCheckpoint(folder, signNote(text, [this.#key]));
      this.#unwritten = [];
      this.#published = size;
      this.#fault = null;
    } catch (thrown) {
      this.#fault = reasonOf(thrown);
    }
  }
}

async function readCheckpoint(log: LogReader, origin: string, logKeys: readonly NoteKey[]) {
  try {
    return openCheckpoint(await log.checkpoint(), { origin, logKeys });
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "LOG_FILE_MISSING") return null;
    throw thrown;
  }
}

/** The entries of the bundle that is not full. */
async function lastEntries(log: LogReader, folder: string, size: number): Promise<Uint8Array[]> {
  const width = size % TILE_WIDTH;
  if (width === 0) return [];
  const bundle = await log.bundle(Math.floor(size / TILE_WIDTH), width);
  if (bundle !== null) return [...bundle];
  const entries: Uint8Array[] = [];
  const range = { from: size - width, to: size };
  for await (const { lines } of readJournal(systemDisk, join(folder, journalFolder), range))
    entries.push(...lines);
  return entries;
}

/** A log that was without one until now gets it from its journal, which must reach back to its beginning. */
async function sm3TreeOf(log: LogReader, folder: string, size: number): Promise<MerkleTree> {
  try {
    return await log.tree(size, sm3Tree);
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "LOG_FILE_MISSING") throw thrown;
  }
  const tree = new MerkleTree(sm3Tree);
  for await (const { lines } of readJournal(systemDisk, join(folder, journalFolder), { from: 0, to: size })) {
    for (const line of lines) tree.append(sm3Tree.leaf(line));
  }
  return tree;
}

function changed(folder: string, size: number) {
  return auditErrors.error(
    "LOG_DAMAGED",
    `The tiles of ${folder} do not give the root that its checkpoint of ${size} events says: one of them was changed. Keep the folder for the inquiry, see \`cupel audit verify\`, and record into another folder until it is clear.`,
    { details: { folder, checkpoint: size } },
  );
}
