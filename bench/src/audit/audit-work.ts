/** The events that the audit benchmark records, the same for all, and where they go: a recorder, or pino. */
import { hash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateNoteKey, openFileKeys, openMasker, openRecorder, openSubjectKeys } from "@cupel/audit";
import type { WorkEvent } from "@cupel/base";
import { pino } from "pino";

/** As the server emits them; about 500 bytes as a line of the record. */
export function benchmarkEvent(number: number): WorkEvent {
  return {
    action: "INFER.REQUEST",
    severity: "INFO",
    subject: { kind: "client", id: `line-${number % 64}`, role: "operator" },
    object: {
      model: "board-defects",
      version: String(1 + (number % 4)),
      digest: "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
    },
    context: {
      face: "rest",
      ip: `10.20.${number % 250}.${(number * 7) % 250}`,
      // As random as those of W3C Trace Context are.
      trace: hash("md5", String(number)),
      code: "200",
    },
  };
}

/** One way to keep events. */
export interface Keeper extends AsyncDisposable {
  /** Resolves when all of them are kept, as this way means it. */
  keep(events: readonly WorkEvent[]): Promise<void>;
}

/** Callers at a time: each waits for its receipt before its next event. */
const callers = 4096;

export async function openCupel(
  folder: string,
  { withTree }: { readonly withTree: boolean },
): Promise<Keeper & RecorderOf> {
  await using stack = new AsyncDisposableStack();
  const keyFile = join(folder, "masking-keys");
  await writeFile(keyFile, `2026:${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  const provider = stack.use(await openFileKeys(keyFile));
  const keys = stack.use(
    await openSubjectKeys(join(folder, "subject-keys"), { provider, cipher: "aes-256-gcm", hash: "sha256" }),
  );
  const origin = "example.com/audit-benchmark";
  const recorder = stack.use(
    await openRecorder({
      folder: join(folder, "log"),
      origin,
      tree: withTree ? { key: generateNoteKey(origin), withSm3: false } : null,
      // The default policy: ids become pseudonyms, addresses are truncated, all texts are searched.
      masker: openMasker({}, keys),
    }),
  );
  const owned = stack.move();
  return {
    recorder,
    async keep(events) {
      let next = 0;
      const call = async () => {
        while (next < events.length) await recorder.record(events[next++]!);
      };
      await Promise.all(Array.from({ length: callers }, call));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export interface RecorderOf {
  readonly recorder: Awaited<ReturnType<typeof openRecorder>>;
}

/** @param buffered 4,096 bytes at a time and asynchronously; else each line by itself. Neither is synchronised with the disk. */
export async function openPino(
  folder: string,
  { buffered }: { readonly buffered: boolean },
): Promise<Keeper> {
  const path = join(folder, "pino.log");
  const destination = pino.destination(
    buffered ? { dest: path, sync: false, minLength: 4096 } : { dest: path, sync: true },
  );
  const logger = pino(destination);
  return {
    async keep(events) {
      for (const { action, severity, subject, object, context } of events) {
        logger.info({ action, severity, sub: subject, obj: object, ctx: context });
      }
      await new Promise<void>((resolve, reject) => {
        if (buffered) destination.flush((error) => (error ? reject(error) : resolve()));
        else resolve();
      });
    },
    async [Symbol.asyncDispose]() {
      destination.end();
    },
  };
}
