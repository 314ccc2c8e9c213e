/** The stream of a runtime log as it grows, from file to file, without a word to whoever writes it. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { isErrno } from "../journal/disk.ts";
import { GrowingFile } from "./growing-file.ts";
import { lineAbout } from "./runtime-line.ts";
import { runtimeFolder, streamFileName, streamFilesAmong } from "./stream-file-name.ts";

export interface FollowOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Lines of the newest file to begin with, beside its first, which says what it is. Default 10. */
  readonly last?: number;
}

const lookMs = 200;

/**
 * Lines without their newlines, until the signal fires; a log whose writer ended may be taken up by another one. Files that were
 * removed before they were read are told of in a line `missed`.
 * @param around the folder that the log was opened with
 * @throws LOG_FILE_MISSING where there is none, LOG_UNREADABLE, LOG_INVALID
 */
export async function* followRuntimeLog(
  around: string,
  { signal, last = 10 }: FollowOptions,
): AsyncGenerator<string, void, undefined> {
  const folder = runtimeFolder(around);
  let current = (await numbersIn(folder)).at(-1);
  let file = current === undefined ? null : await GrowingFile.open(join(folder, streamFileName(current)));
  if (current === undefined || file === null) throw missing(around);
  try {
    yield* await rest(file, last);
    while (!signal.aborted) {
      const lines = await file.next();
      yield* lines;
      if (lines.length > 0) continue;
      const number = await following(folder, current, file);
      const next = number === null ? null : await GrowingFile.open(join(folder, streamFileName(number)));
      if (number === null || next === null) {
        await pause(lookMs, undefined, { signal }).catch(() => {});
        continue;
      }
      // It was complete before the next one was made, and may have grown since it was read.
      yield* await rest(file);
      await file[Symbol.asyncDispose]();
      if (number > current + 1) {
        yield lineAbout("missed", Date.now(), { files: number - current - 1 }).trimEnd();
      }
      file = next;
      current = number;
    }
  } finally {
    await file[Symbol.asyncDispose]();
  }
}

/** All lines up to now. @param last of those after the first no more than these */
async function rest(file: GrowingFile, last = Number.POSITIVE_INFINITY): Promise<string[]> {
  let lines: string[] = [];
  let more: readonly string[];
  do {
    more = await file.next();
    lines.push(...more);
    if (lines.length > last + 1) lines = [lines[0]!, ...lines.slice(1).slice(-last)];
  } while (more.length > 0);
  return lines;
}

/** Null where there is none yet. One that was removed may be followed by one that begins to count again. */
async function following(folder: string, current: number, file: GrowingFile): Promise<number | null> {
  const numbers = await numbersIn(folder);
  const later = numbers.find((number) => number > current);
  if (later !== undefined) return later;
  return (await file.isRemoved()) ? (numbers[0] ?? null) : null;
}

async function numbersIn(folder: string): Promise<number[]> {
  try {
    return streamFilesAmong(await readdir(folder));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT") || isErrno(thrown, "ENOTDIR")) return [];
    throw auditErrors.error("LOG_UNREADABLE", `${folder} cannot be read: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { folder },
    });
  }
}

function missing(around: string) {
  return auditErrors.error(
    "LOG_FILE_MISSING",
    `There is no runtime log in ${around}. A server writes one there with --runtime-log ${around}.`,
    { details: { folder: around } },
  );
}
