/** A log whose clock the test sets, with what was recorded into it: the model that retention, holds and erasure are held against. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@cupel/base";
import { type Disk, isErrno, systemDisk } from "../../src/journal/disk.ts";
import { linesOf } from "../../src/journal/lines.ts";
import { readSegment } from "../../src/journal/read-journal.ts";
import { segmentName, segmentsAmong } from "../../src/journal/segment-name.ts";
import { openSubjectKeyReader } from "../../src/keys/key-reader.ts";
import { RECORD_BYTES } from "../../src/keys/key-record.ts";
import type { SubjectKeys } from "../../src/keys/subject-keys.ts";
import { eraseSubject } from "../../src/masking/erase-subject.ts";
import { openMasker } from "../../src/masking/masker.ts";
import { unmask } from "../../src/masking/unmask.ts";
import { openCheckpoint } from "../../src/note/checkpoint.ts";
import { generateNoteKey } from "../../src/note/note-key.ts";
import {
  formatConsistencyFile,
  formatInclusionFile,
  parseConsistencyFile,
  parseInclusionFile,
  verifyConsistencyFile,
  verifyInclusionFile,
} from "../../src/note/proof-file.ts";
import { openRecorder, type Recorder, type RecorderOptions } from "../../src/recorder/recorder.ts";
import { changeRetentionPolicy, type LegalHold } from "../../src/retention/retention-policy.ts";
import { readLog } from "../../src/tree/log-reader.ts";
import { leafHash } from "../../src/tree/tree-hash.ts";
import { TreeProver } from "../../src/tree/tree-prover.ts";
import { verifyLog } from "../../src/verify/verify-log.ts";
import { openTestKeys, provider } from "./keys.ts";

export const origin = "example.com/audit";
export const day = 86_400_000;
export const logKey = generateNoteKey(origin);

interface Recorded {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly subject: string;
  /** Of the key that its secrets are under. */
  readonly life: number;
}

interface TakenProof {
  readonly size: number;
  readonly checkpoint: Buffer;
  readonly file: string;
  readonly leaf: Buffer;
}

export class RetainedLog implements AsyncDisposable {
  readonly folder: string;
  /** Milliseconds since 1970. */
  now = Date.parse("2026-01-01T00:00:00Z");
  /** By index: those of the test; the recorder's own are not among them. */
  readonly recorded = new Map<number, Recorded>();
  readonly proofs: TakenProof[] = [];
  /** Erasures of each subject. */
  readonly lives = new Map<string, number>();
  /** Records of keys that were destroyed, still wrapped: they MUST NOT be in the folder any more. */
  readonly secrets: Buffer[] = [];
  readonly #inForce = new Map<
    string,
    { readonly from: number; readonly to: number; readonly until: number }
  >();
  #holds = 0;
  /** Milliseconds. */
  #keep = Number.POSITIVE_INFINITY;
  readonly #options: Partial<RecorderOptions>;
  #keys: SubjectKeys | null = null;
  #recorder: Recorder | null = null;

  constructor(folder: string, options: Partial<RecorderOptions> = {}) {
    this.folder = folder;
    this.#options = options;
  }

  async open(disk: Disk = systemDisk): Promise<void> {
    this.#keys = await openTestKeys(join(this.folder, "keys"));
    const clock: Clock = { now: () => this.now, monotonic: () => performance.now() };
    this.#recorder = await openRecorder({
      folder: this.folder,
      origin,
      tree: { key: logKey },
      masker: openMasker({ tags: { "ctx.note": "private" }, impersonal: ["system"] }, this.#keys),
      rollBytes: 10_000,
      clock,
      disk,
      ...this.#options,
    });
  }

  get recorder(): Recorder {
    assert.ok(this.#recorder);
    return this.#recorder;
  }

  get keys(): SubjectKeys {
    assert.ok(this.#keys);
    return this.#keys;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recorder?.[Symbol.asyncDispose]();
    await this.#keys?.[Symbol.asyncDispose]();
    this.#recorder = null;
    this.#keys = null;
  }

  /** Secrets of it are encrypted: its severity is high. */
  async record(count: number, subject: string): Promise<void> {
    const life = this.lives.get(subject) ?? 0;
    const note = `${subject}'s secret of life ${life}`;
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const { index, time } = await this.recorder.record({
          action: "INFER.REQUEST",
          severity: "ERROR",
          subject: { kind: "user", id: subject },
          object: { model: "board-defects", version: String(i) },
          context: { note },
        });
        if (index !== null) this.recorded.set(index, { time: Date.parse(time), subject, life });
      }),
    );
  }

  setKeep(days: number): Promise<void> {
    this.#keep = days * day;
    return changeRetentionPolicy(this.folder, (policy) => ({ ...policy, keep: `P${days}D` }));
  }

  setHolds(change: (holds: readonly LegalHold[]) => LegalHold[]): Promise<void> {
    return changeRetentionPolicy(this.folder, (policy) => ({ ...policy, holds: change(policy.holds ?? []) }));
  }

  /** Milliseconds since 1970. @param until null for one that has no end */
  async hold(from: number, to: number, until: number | null): Promise<void> {
    const id = `case-${this.#holds++}`;
    this.#inForce.set(id, { from, to, until: until ?? Number.POSITIVE_INFINITY });
    const end = until === null ? {} : { until: new Date(until).toISOString() };
    const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    await this.setHolds((holds) => [...holds, { id, ...times, reason: "inquiry", ...end }]);
  }

  /** The oldest hold, where there is one. */
  async release(): Promise<void> {
    const [id] = this.#inForce.keys();
    if (id === undefined) return;
    this.#inForce.delete(id);
    await this.setHolds((holds) => holds.filter((each) => each.id !== id));
  }

  /** And nothing goes that a hold covers or that is young. */
  async retain(): Promise<void> {
    const before = await this.lines();
    await this.recorder.retain();
    const after = await this.lines();
    const holds = [...this.#inForce.values()].filter(({ until }) => until > this.now);
    for (const index of before.keys()) {
      const time = this.recorded.get(index)?.time;
      if (time === undefined || after.has(index)) continue;
      assert.ok(!holds.some(({ from, to }) => from <= time && time <= to), `event ${index} was held`);
      assert.ok(time < this.now - this.#keep, `event ${index} was young`);
    }
  }

  async erase(subject: string): Promise<void> {
    await this.keys.settled();
    const before = await this.#keyRecords();
    await eraseSubject(subject, {
      keys: this.keys,
      hash: "sha256",
      record: (event) => this.recorder.record(event),
      by: { kind: "operator", id: "keeper" },
      context: {},
    });
    this.lives.set(subject, 1 + (this.lives.get(subject) ?? 0));
    const after = await this.#keyRecords();
    this.secrets.push(...before.filter((record, at) => after[at] !== undefined && !record.equals(after[at])));
  }

  async #keyRecords(): Promise<Buffer[]> {
    const bytes = await readFile(join(this.folder, "keys", "subjects"));
    const count = Math.floor(bytes.length / RECORD_BYTES);
    return Array.from({ length: count }, (_, at) =>
      bytes.subarray(at * RECORD_BYTES, (at + 1) * RECORD_BYTES),
    );
  }

  /** Of an event that was recorded, under the checkpoint of now. */
  async takeProof(pick: number): Promise<void> {
    const log = readLog(this.folder);
    if (!existsSync(join(this.folder, "checkpoint"))) return;
    const checkpoint = await log.checkpoint();
    const opened = openCheckpoint(checkpoint, { origin, logKeys: [logKey] });
    const { size } = opened;
    if (size === 0) return;
    const index = pick % size;
    const prover = await TreeProver.open(log, opened);
    const proof = await prover.inclusionProof(index);
    const file = formatInclusionFile({ index, proof, checkpoint: opened.note, extra: null });
    this.proofs.push({ size, checkpoint, file, leaf: Buffer.from(await prover.leaf(index)) });
  }

  /** Lines of the journal by index. */
  async lines(): Promise<Map<number, Buffer>> {
    try {
      return await this.#lines();
    } catch (thrown) {
      // Compressed meanwhile.
      if (!isErrno(thrown, "ENOENT")) throw thrown;
      return await this.lines();
    }
  }

  async #lines(): Promise<Map<number, Buffer>> {
    const lines = new Map<number, Buffer>();
    const journal = join(this.folder, "journal");
    for (const segment of segmentsAmong(await readdir(journal))) {
      const bytes = await readSegment(systemDisk, join(journal, segmentName(segment)), segment.form);
      for (const [at, line] of linesOf(bytes).entries()) lines.set(segment.first + at, Buffer.from(line));
    }
    return lines;
  }

  /** The log is valid, also against each checkpoint that was kept; each proof that was taken verifies, and the log has grown from it. */
  async assertProved(): Promise<void> {
    const logKeys = [logKey];
    const log = readLog(this.folder);
    const present = openCheckpoint(await log.checkpoint(), { origin, logKeys });
    const prover = await TreeProver.open(log, present);
    const report = await verifyLog(this.folder, { logKeys, keptCheckpoint: this.proofs[0]?.checkpoint });
    assert.deepEqual([report.verdict, report.findings], ["valid", []]);
    for (const { size, file, leaf, checkpoint } of this.proofs) {
      verifyInclusionFile(parseInclusionFile(Buffer.from(file)), leaf, { origin, logKeys });
      const old = openCheckpoint(checkpoint, { origin, logKeys });
      const proof = await prover.consistencyProof(size);
      const grown = formatConsistencyFile({ oldSize: size, proof, checkpoint: present.note });
      verifyConsistencyFile(parseConsistencyFile(Buffer.from(grown)), old, { origin, logKeys });
    }
    for (const [index, line] of await this.lines()) {
      if (index < present.size) assert.deepEqual(Buffer.from(await prover.leaf(index)), leafHash(line));
    }
  }

  /** With the provider's key and the folder: nothing of a life that was erased opens, all else does. */
  async assertErased(): Promise<void> {
    using reader = await openSubjectKeyReader(join(this.folder, "keys"), provider);
    for (const [index, line] of await this.lines()) {
      const told = this.recorded.get(index);
      if (told === undefined) continue;
      const { fields } = unmask(JSON.parse(line.toString()), reader);
      const states = new Set(fields.map(({ state }) => state));
      const isErased = told.life < (this.lives.get(told.subject) ?? 0);
      assert.deepEqual([...states], [isErased ? "erased" : "read"], `event ${index} of ${told.subject}`);
    }
    const bytes = await everyByte(this.folder);
    for (const subject of this.lives.keys()) assert.ok(!bytes.includes(subject), subject);
    for (const secret of this.secrets) assert.ok(!bytes.includes(secret));
  }
}

export async function everyByte(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile());
  return Buffer.concat(await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name)))));
}
