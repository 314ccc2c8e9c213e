/**
 * The record of what a command does, in a folder, with all that it needs beside it:
 *
 *     FOLDER               the log; FOLDER/keys has the keys of subjects
 *     FOLDER.key           signs checkpoints. SECRET
 *     FOLDER.pub           verifies them
 *     FOLDER.masking-key   the keys of subjects lie under it. SECRET
 *
 * Keys that are not there are made. The name of the signing key is the origin of the log, so that a machine that gets
 * another name goes on with its log.
 */
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join, resolve } from "node:path";
import {
  auditErrors,
  type Compression,
  formatNoteKey,
  formatNoteSigningKey,
  generateNoteKey,
  type HashName,
  type NoteSigningKey,
  openFileKeys,
  openMasker,
  openRecorder,
  openSubjectKeys,
  parseNoteSigningKey,
  parsePolicy,
  type Recorder,
  type RecorderMetrics,
  type SubjectKeys,
  type SubjectKeysOptions,
  type TroublePolicyName,
} from "@cupel/audit";
import {
  CupelError,
  type EventFacts,
  type EventSink,
  reasonOf,
  type SinkFigures,
  writeFileAtomically,
} from "@cupel/base";
import { cliErrors } from "../errors.ts";
import { digestFacts } from "./input-facts.ts";
import { makeKeyFile, readKeyFile } from "./key-file.ts";

export interface RecordPlace {
  readonly folder: string;
  /** Of the signing key. Default: FOLDER.key. */
  readonly keyFile: string | undefined;
  /** When the log is in trouble. Default "block". */
  readonly policy?: TroublePolicyName | undefined;
  /** Of `spill`. */
  readonly spillFolder?: string | undefined;
  /** Of completed files of events. Default "none". */
  readonly compression?: Compression | undefined;
}

export interface OpenRecord extends AsyncDisposable {
  /** Resolves when the event is durable. */
  readonly sink: EventSink;
  readonly recorder: Recorder;
  readonly keys: SubjectKeys;
  /** Of pseudonyms. */
  readonly hash: HashName;
}

/** What is no person keeps its name; a digest is nobody's number. */
const maskingPolicy = {
  impersonal: ["system", "anonymous"],
  tags: {
    ...Object.fromEntries(["ctx.replaced", "obj.url", ...digestFacts].map((fact) => [fact, "keep"])),
    "sub.uid": "subject",
  },
};

const itself = { kind: "system", id: "recorder" } as const;

/**
 * @param say of keys that were made, and of trouble
 * @throws FILE_UNREADABLE, KEY_INVALID, LOG_IN_USE, and what `openRecorder` and `openSubjectKeys` throw
 */
export async function openRecord(place: RecordPlace, say: (line: string) => void): Promise<OpenRecord> {
  const folder = resolve(place.folder);
  const { policy = "block" } = place;
  await using opening = new AsyncDisposableStack();
  const made: string[] = [];
  const tellMade = (kind: string, path: string, why: string) => {
    made.push(kind);
    say(`Audit: made the ${kind} key ${path}. ${why}`);
  };
  const key = await signingKey(folder, place.keyFile ?? `${folder}.key`, tellMade);
  const provider = opening.use(await openFileKeys(await maskingKeyFile(folder, tellMade)));
  const { cipher, hash } = parsePolicy(maskingPolicy);
  const keys = opening.use(await openKeys(folder, { provider, cipher, hash }));
  const recorder = opening.use(
    await openRecorder({
      folder,
      origin: key.name,
      tree: { key },
      masker: openMasker(maskingPolicy, keys),
      policy,
      compression: place.compression,
      ...(place.spillFolder === undefined ? {} : { spillFolder: resolve(place.spillFolder) }),
      onAlert: ({ message }) => say(`Audit: ${message}`),
    }),
  );
  const publicFile = `${folder}.pub`;
  await writeFileAtomically(publicFile, `${formatNoteKey(key)}\n`);
  say(`Audit: recording into ${folder}; its checkpoints are verified with ${publicFile}.`);
  const log = { log: basename(folder), origin: key.name };
  const recordOwn = (action: string, context: EventFacts) =>
    recorder.record({ action, severity: "INFO", subject: itself, object: log, context });
  await recordOwn("AUDIT.OPEN", { policy });
  for (const kind of made) await recordOwn("AUDIT.KEY.CREATE", { key: kind });
  opening.defer(async () => {
    await recordOwn("AUDIT.CLOSE", {}).catch((thrown: unknown) =>
      say(`Audit: the record does not have that it was closed: ${reasonOf(thrown)}`),
    );
  });
  const owned = opening.move();
  return {
    recorder,
    keys,
    hash,
    sink: {
      async emit(event) {
        await recorder.record(event);
      },
      figures: () => figuresOf(recorder.metrics),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The names of outcomes are among those of `cupel_record_events_total`. */
function figuresOf({
  logged,
  spilled,
  replayed,
  dropped,
  refused,
  unavailable,
  faults,
  queue,
  trouble,
}: RecorderMetrics): SinkFigures {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return {
    events: { logged, spilled, replayed, dropped: lost, refused, unavailable },
    faults,
    waiting: queue.events,
    isInTrouble: trouble !== null,
  };
}

/** @param why what to do with it */
type TellMade = (kind: "signing" | "masking", path: string, why: string) => void;

async function signingKey(folder: string, path: string, made: TellMade): Promise<NoteSigningKey> {
  const text = await readKeyFile(path);
  if (text !== null) return parseNoteSigningKey(text);
  await assertNew(join(folder, "origin.json"), folder, path);
  const key = generateNoteKey(usualOrigin(folder));
  await makeKeyFile(path, `${formatNoteSigningKey(key)}\n`);
  made("signing", path, "Keep it secret, and keep a copy.");
  return key;
}

async function maskingKeyFile(folder: string, made: TellMade): Promise<string> {
  const path = `${folder}.masking-key`;
  if ((await readKeyFile(path)) !== null) return path;
  await assertNew(join(folder, "keys", "generations.json"), folder, path);
  await makeKeyFile(path, `1:${randomBytes(32).toString("base64")}\n`);
  made("masking", path, "Keep a copy: without it nothing that is encrypted opens again.");
  return path;
}

/** Whoever writes the log holds its keys too. @throws LOG_IN_USE */
async function openKeys(folder: string, options: SubjectKeysOptions): Promise<SubjectKeys> {
  try {
    return await openSubjectKeys(join(folder, "keys"), options);
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "FILE_LOCKED") throw thrown;
    throw auditErrors.error(
      "LOG_IN_USE",
      `The log ${folder} has a writer already, and there is one a log. ${thrown.message}`,
      { cause: thrown, details: { ...thrown.details, folder } },
    );
  }
}

/** A fresh key would fit nothing that was written under the one that is missing. */
async function assertNew(file: string, folder: string, path: string): Promise<void> {
  if ((await stat(file).catch(() => null)) === null) return;
  throw cliErrors.error(
    "FILE_UNREADABLE",
    `The log ${folder} was written with a key that is not at ${path}. Put it back, or record into another folder.`,
    { details: { path } },
  );
}

/** "HOST/FOLDER", in characters that a key's name may have. */
function usualOrigin(folder: string): string {
  return `${hostname()}/${basename(folder)}`.replaceAll(/[^\w./-]/g, "-");
}
