/**
 * Which records of keys are to be destroyed, on the device before the first byte of them is. A crash in between leaves a beginning
 * without an end: whoever opens the keys next does it again, so that a subject is either whole or erased.
 *
 * A line of JSON a step: {"begin":1,"at":"...","records":[[7,"nonce"]]}, {"end":1}. It names no subject and holds no key.
 */
import { auditErrors } from "../errors.ts";
import type { DurableFile } from "./durable-file.ts";

export interface ErasedRecord {
  readonly number: number;
  /** base64url */
  readonly nonce: string;
}

export interface ErasureJournal {
  /** Begun and not ended, by their numbers. */
  readonly unfinished: ReadonlyMap<number, readonly ErasedRecord[]>;
  /** Of all erasures that the file told of when it was opened. */
  readonly erased: readonly ErasedRecord[];
  /** Resolves when it lasts. @returns its number */
  begin(records: readonly ErasedRecord[], at: Date): Promise<number>;
  end(number: number): Promise<void>;
}

interface JournalState {
  readonly unfinished: Map<number, readonly ErasedRecord[]>;
  readonly erased: readonly ErasedRecord[];
  readonly last: number;
  /** Bytes of the lines that count. */
  readonly length: number;
}

/** @throws SUBJECT_KEYS_DAMAGED where another line than the last makes no sense */
function readJournal(bytes: Buffer, path: string): JournalState {
  const unfinished = new Map<number, readonly ErasedRecord[]>();
  const erased: ErasedRecord[] = [];
  let last = 0;
  // What follows the last newline was being written when its writer was stopped: it never counted.
  let length = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, length).toString("latin1").split("\n").slice(0, -1);
  for (const [i, line] of lines.entries()) {
    const step = parseStep(line);
    if (step === null) {
      // Blocks of one unflushed write may last without those before them, and its newline with them.
      if (i === lines.length - 1) {
        length -= line.length + 1;
        break;
      }
      throw auditErrors.error(
        "SUBJECT_KEYS_DAMAGED",
        `Line ${i + 1} of ${path} is no step of an erasure: whether its subject is erased cannot be told. Restore it from a backup.`,
        { details: { path, line: i + 1 } },
      );
    }
    last = Math.max(last, step.number);
    if (step.records) {
      unfinished.set(step.number, step.records);
      erased.push(...step.records);
    } else unfinished.delete(step.number);
  }
  return { unfinished, erased, last, length };
}

/** For who only reads. @throws SUBJECT_KEYS_DAMAGED */
export function unfinishedIn(bytes: Buffer, path: string): ErasureJournal["unfinished"] {
  return readJournal(bytes, path).unfinished;
}

/** @throws SUBJECT_KEYS_DAMAGED */
export function openErasureJournal(file: DurableFile, path: string): ErasureJournal {
  const found = readJournal(file.read(0, file.size()), path);
  const { unfinished, erased } = found;
  let { last, length } = found;
  const append = async (step: object): Promise<void> => {
    const line = Buffer.from(`${JSON.stringify(step)}\n`);
    await file.write(length, line);
    await file.sync();
    length += line.length;
  };
  return {
    unfinished,
    erased,
    async begin(records, at) {
      const number = ++last;
      await append({
        begin: number,
        at: at.toISOString(),
        records: records.map((each) => [each.number, each.nonce]),
      });
      unfinished.set(number, records);
      return number;
    },
    async end(number) {
      await append({ end: number });
      unfinished.delete(number);
    },
  };
}

interface Step {
  readonly number: number;
  /** Null at the end of an erasure. */
  readonly records: readonly ErasedRecord[] | null;
}

function parseStep(line: string): Step | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  if ("end" in value && typeof value.end === "number") return { number: value.end, records: null };
  if (!("begin" in value && typeof value.begin === "number" && "records" in value)) return null;
  const records: ErasedRecord[] = [];
  for (const each of Array.isArray(value.records) ? value.records : [null]) {
    const [number, nonce]: readonly unknown[] = Array.isArray(each) ? each : [];
    if (typeof number !== "number" || typeof nonce !== "string") return null;
    records.push({ number, nonce });
  }
  return { number: value.begin, records };
}
