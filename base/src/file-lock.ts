/**
 * One writer of a file at a time, for work that takes hours and writes the same file again and again: beside it lies
 * `NAME.lock`, with the owner and since when. A second owner is refused, FILE_LOCKED.
 *
 * An owner that was killed leaves its lock. On the machine it ran on its death is proved (`owner-mark.ts`) and the next
 * one takes the lock over at once; a process that is only stopped keeps it. What another machine or container owns cannot
 * be judged so. Owners therefore renew the time of their lock each `RENEWAL`, and one that has not been renewed for
 * `PATIENCE` is taken over as well. That may be wrong where two machines share a folder and one stands still: an owner
 * MUST call `assertHeld` before each write, which refuses where the lock is another's by now.
 */
import { randomUUID } from "node:crypto";
import {
  constants,
  copyFile,
  link,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { makeFolder, removePartial, temporaryBeside, writeError } from "./atomic-file.ts";
import type { CupelError } from "./error.ts";
import { baseErrors } from "./errors.ts";
import { own } from "./own.ts";
import { ownerMark, ownerState } from "./owner-mark.ts";

const RENEWAL = 20_000;
const PATIENCE = 5 * 60_000;
/** Each is lost to another process that took the lock at the same time. */
const ATTEMPTS = 10;

export interface FileLock extends AsyncDisposable {
  /** A sentence where a lock that an owner had left behind was taken over; else null. */
  readonly remark: string | null;
  /** @throws FILE_LOCKED where the lock was removed or taken over meanwhile */
  assertHeld(): Promise<void>;
}

/** What a lock says. Texts are empty and numbers 0 where it does not. */
interface LockWords {
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** No two locks have the same. */
  readonly token: string;
}

/**
 * Disposing of it releases the lock. A lock is held against other owners in this process too.
 * @param path of the file that will be written; its folder is made
 * @param what the owner is called in a message, such as "training"
 * @throws FILE_LOCKED, WRITE_FAILED, DISK_FULL
 */
export async function lockFile(path: string, what: string): Promise<FileLock> {
  const lock = `${path}.lock`;
  const words: LockWords = {
    owner: ownerMark(),
    host: hostname(),
    pid: process.pid,
    since: Date.now(),
    token: randomUUID(),
  };
  let made: readonly string[];
  try {
    made = await makeFolder(dirname(lock));
  } catch (thrown) {
    throw writeError(lock, thrown);
  }
  await removePartial(lock);
  let remark: string | null = null;
  for (let attempt = 0; !(await create(lock, words)); attempt++) {
    const found = await readLock(lock);
    if (found === null) continue;
    if (attempt === ATTEMPTS || !isLeft(found)) throw locked(path, lock, what, found);
    if (await takeAway(lock, found)) {
      remark = `${ownerText(found)} left ${lock} behind ${ageText(found.renewed)} ago; it was taken over.`;
    }
  }
  // A renewal that fails finds the lock gone, which `assertHeld` tells.
  const renewal = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => {}), RENEWAL);
  renewal.unref();
  const isHeld = async () => (await readLock(lock))?.token === words.token;
  return {
    remark,
    async assertHeld() {
      if (await isHeld()) return;
      throw baseErrors.error(
        "FILE_LOCKED",
        `The lock ${lock} of this ${what} was removed or taken over: another one may be writing ${path}. It is left as it is.`,
        { details: { path, lock } },
      );
    },
    async [Symbol.asyncDispose]() {
      clearInterval(renewal);
      if (await isHeld()) await rm(lock, { force: true });
      // A folder that something lies in stays.
      for (const folder of made.toReversed()) await rmdir(folder).catch(() => {});
    },
  };
}

/**
 * It has its words before it has its name: one whose owner was killed, or the power went, before they were written could
 * not be judged, and would be waited for.
 * @returns whether there was none. @throws WRITE_FAILED, DISK_FULL
 */
async function create(lock: string, words: LockWords): Promise<boolean> {
  const text = `${JSON.stringify(words)}\n`;
  const temporary = temporaryBeside(lock);
  try {
    await writeFile(temporary, text, { flag: "wx", flush: true });
    try {
      await link(temporary, lock);
    } catch (thrown) {
      if (!withoutLinks.some((code) => isErrno(thrown, code))) throw thrown;
      await writeFile(lock, text, { flag: "wx", flush: true });
    }
    return true;
  } catch (thrown) {
    if (isErrno(thrown, "EEXIST")) return false;
    throw writeError(lock, thrown);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** What file systems say that have no second names of a file. */
const withoutLinks = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"] as const;

type FoundLock = LockWords & {
  /** Milliseconds since 1970. */
  readonly renewed: number;
};

/** Null where there is none. Where a file has one name only, a lock that is being written says nothing yet. */
async function readLock(lock: string): Promise<FoundLock | null> {
  try {
    const { mtimeMs } = await stat(lock);
    return { ...wordsOf(await readFile(lock, "utf8")), renewed: mtimeMs };
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return null;
    throw writeError(lock, thrown);
  }
}

function wordsOf(content: string): LockWords {
  let value: unknown = null;
  try {
    value = JSON.parse(content);
  } catch {
    // Says nothing: see `readLock`.
  }
  const fields = typeof value === "object" && value !== null ? { ...value } : {};
  const text = (name: string) => String(own<unknown>(fields, name) ?? "");
  const number = (name: string) => Number(own<unknown>(fields, name) ?? 0);
  return {
    owner: text("owner"),
    host: text("host"),
    pid: number("pid"),
    since: number("since"),
    token: text("token"),
  };
}

function isLeft({ owner, renewed }: FoundLock): boolean {
  const state = ownerState(owner);
  return state === "gone" || (state === "unknown" && Date.now() - renewed > PATIENCE);
}

/**
 * Renaming decides between several that find the same lock left behind. One that was renamed after another process
 * had made it anew is put back.
 * @returns whether the lock that was found is gone by this call
 */
async function takeAway(lock: string, found: FoundLock): Promise<boolean> {
  const taken = temporaryBeside(lock);
  try {
    await rename(lock, taken);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return false;
    throw writeError(lock, thrown);
  }
  const isThat = (await readLock(taken))?.token === found.token;
  // Where yet another process has made one meanwhile, the owner of this one will find that by `assertHeld`.
  if (!isThat) await copyFile(taken, lock, constants.COPYFILE_EXCL).catch(() => {});
  await rm(taken, { force: true });
  return isThat;
}

function locked(path: string, lock: string, what: string, found: FoundLock): CupelError {
  const { host, pid, since, renewed } = found;
  const seconds = Math.round((Date.now() - (since || renewed)) / 1000);
  return baseErrors.error(
    "FILE_LOCKED",
    `${path} is being written by ${ownerText(found)}, for ${ageText(since || renewed)}; its lock was last renewed ${ageText(renewed)} ago. ` +
      `Wait until that is over, or give this ${what} another path. If nothing writes it any more, remove ${lock}.`,
    { details: { path, lock, owner: { host, pid }, seconds } },
  );
}

function ownerText({ host, pid }: LockWords): string {
  if (pid === 0) return "a process that does not say its number";
  if (pid === process.pid && host === hostname()) return "this process itself";
  return `the process ${pid} on ${host}`;
}

/** Whole units, such as "3 min". */
function ageText(since: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function isErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
