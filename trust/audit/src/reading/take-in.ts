/**
 * The writer's side of `reading/`: what readers left there is recorded, then removed. Whoever may write into that folder
 * may say that he read, and no more: another action, or what is no such file, goes to quarantine. Who owns the file is recorded
 * beside the name that it claims.
 *
 * A crash between the two records a reading twice; `ctx.reading` is the same then.
 */
import { constants } from "node:fs";
import { access, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { assertRegular, CupelError, type EventFacts, reasonOf, type WorkEvent } from "@cupel/base";
import { actionOf } from "../event/actions.ts";
import { isErrno, systemDisk } from "../journal/disk.ts";
import { setAsideFile } from "../journal/write-durably.ts";
import { logFolders } from "../recorder/open-log.ts";
import { readingActions, readingFolder, readingName } from "./hand-over.ts";

export interface ReadingIntakeOptions {
  /** Of the log. */
  readonly folder: string;
  /** Resolves when the event is durable. */
  readonly record: (event: WorkEvent) => Promise<unknown>;
  /** Told of what is no reading, and when none can be taken in any more. Must not throw. */
  readonly onFault: (message: string) => void;
}

/** Milliseconds between two looks. */
const period = 1000;
/** Files at a look. */
const mostFiles = 200;
/** Bytes of a file. */
const longestReading = 16_384;
const withoutLinks = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export class ReadingIntake {
  readonly #options: ReadingIntakeOptions;
  readonly #within: string;
  readonly #timer: NodeJS.Timeout;
  /** The look under way. */
  #look: Promise<void> | null = null;

  /** Looks at once. */
  constructor(options: ReadingIntakeOptions) {
    this.#options = options;
    this.#within = join(options.folder, readingFolder);
    this.#timer = setInterval(() => this.#begin(), period).unref();
    this.#begin();
  }

  /** What is not recorded yet stays for whoever opens the log next. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
  }

  #begin(): void {
    this.#look ??= this.#takeIn()
      .catch((thrown: unknown) => {
        // A file that stays would be recorded again and again.
        clearInterval(this.#timer);
        const what = `Who reads the log is not recorded any more: ${reasonOf(thrown)}`;
        this.#options.onFault(`${what}. Let the writer read, rename and remove files in ${this.#within}.`);
      })
      .finally(() => {
        this.#look = null;
      });
  }

  async #takeIn(): Promise<void> {
    let names: readonly string[];
    try {
      names = await systemDisk.list(this.#within);
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return;
      throw thrown;
    }
    const readings = names.filter((name) => readingName.test(name)).toSorted();
    if (readings.length === 0) return;
    // What could not be removed would be recorded again by whoever opens the log next.
    await access(this.#within, constants.W_OK);
    const read = await Promise.all(
      readings.slice(0, mostFiles).map(async (name) => {
        const path = join(this.#within, name);
        return { path, event: await readReading(path, name) };
      }),
    );
    // In the order of their names, which is that of time. At once: what is recorded together is one commit.
    await Promise.all(read.map(({ path, event }) => this.#take(path, event)));
  }

  async #take(path: string, event: WorkEvent | null): Promise<void> {
    if (event === null) {
      const quarantine = join(this.#options.folder, logFolders.quarantine);
      await setAsideFile(systemDisk, quarantine, { kind: "foreign", path });
      this.#options.onFault(`${path} is no reading of the log, or cannot be read. It went to quarantine.`);
      return;
    }
    try {
      await this.#options.record(event);
    } catch (thrown) {
      // It is in quarantine then; else it is tried again at the next look.
      if (!(thrown instanceof CupelError) || thrown.code !== "EVENT_INVALID") return;
    }
    await systemDisk.unlink(path);
  }
}

/** Null where it is none. */
async function readReading(path: string, name: string): Promise<WorkEvent | null> {
  let file: FileHandle;
  try {
    file = await open(path, withoutLinks);
  } catch (thrown) {
    // A link, or a file of somebody who lets nobody read it.
    if (isErrno(thrown, "ELOOP") || isErrno(thrown, "EACCES")) return null;
    throw thrown;
  }
  await using _file = file;
  const stats = await file.stat();
  try {
    assertRegular(stats);
    if (stats.size > longestReading) return null;
    const told: unknown = JSON.parse(await file.readFile("utf8"));
    // Windows has no numbers of accounts.
    const owner = process.getuid === undefined ? {} : { uid: String(stats.uid) };
    return eventOf(told, owner, readingName.exec(name)?.[1] ?? "");
  } catch (thrown) {
    if (isErrno(thrown, "EIO")) throw thrown;
    return null;
  }
}

function eventOf(told: unknown, owner: EventFacts, id: string): WorkEvent | null {
  if (typeof told !== "object" || told === null) return null;
  const { action, subject, time, object, context }: Partial<Record<string, unknown>> = { ...told };
  const known = readingActions.find((each) => each === action);
  if (known === undefined || typeof subject !== "string" || typeof time !== "string") return null;
  if (!areFacts(object) || !areFacts(context)) return null;
  return {
    action: known,
    severity: actionOf(known)?.severity ?? "INFO",
    subject: { kind: "operator", id: subject, ...owner },
    object,
    context: { ...context, time, reading: id },
  };
}

function areFacts(value: unknown): value is EventFacts {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === "string");
}
