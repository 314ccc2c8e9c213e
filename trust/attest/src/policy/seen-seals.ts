/**
 * The latest seal that was seen of each name, in a file, so that an older one, whose signature is as good, does not come
 * back after a restart either. It only ever goes up. Processes that share it take turns to write; it is whole at any time,
 * and durable before the seal that it was raised for is let in.
 *
 * Whoever can write the file can take it back: keep it where only the server writes.
 */
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  CupelError,
  conforms,
  type FileLock,
  lockFile,
  openRegular,
  reasonOf,
  type Schema,
  throwIfCancelled,
  writeFileAtomically,
} from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { isSameDigest } from "../manifest/same-digest.ts";

export interface SeenSeal {
  readonly name: string;
  /** Of the seal: see `SealFacts`. */
  readonly sequence: number;
  /** Root of the folder by SHA-256, in hex. */
  readonly root: string;
}

const format = "cupel-seen-seals/1";
/** Bytes. */
const longest = 2 ** 24;
/** Milliseconds that another process may write. */
const patienceMs = 10_000;
const pauseMs = 20;

const schema = {
  type: "object",
  properties: {
    format: { enum: [format] },
    seen: {
      type: "array",
      items: {
        type: "object",
        properties: {
          name: { type: "string" },
          sequence: { type: "integer", minimum: 0 },
          root: { type: "string", pattern: "^[0-9a-f]{64}$" },
        },
        required: ["name", "sequence", "root"],
        additionalProperties: false,
      },
    },
  },
  required: ["format", "seen"],
  additionalProperties: false,
} as const satisfies Schema;

/**
 * Raises what was seen of the seal's name to this seal.
 * @returns null where that is so by now; else the seal that was seen and is later, or has the same sequence and another root
 * @throws SEEN_SEALS_INVALID where the file is damaged; FILE_LOCKED, WRITE_FAILED, DISK_FULL, CANCELLED
 */
export async function admitSeal(
  path: string,
  seal: SeenSeal,
  signal?: AbortSignal,
): Promise<SeenSeal | null> {
  const judged = judge(await readSeenSeals(path), seal);
  if (judged !== "new") return judged;
  await using _ = await locked(path, signal);
  const seen = await readSeenSeals(path);
  const again = judge(seen, seal);
  if (again !== "new") return again;
  const { name, sequence, root } = seal;
  const rows = [...seen.values()].filter((each) => each.name !== name);
  const lines = [...rows, { name, sequence, root }].map((row) => `    ${JSON.stringify(row)}`);
  await writeFileAtomically(path, `{\n  "format": "${format}",\n  "seen": [\n${lines.join(",\n")}\n  ]\n}\n`);
  await syncFolder(dirname(path));
  return null;
}

function judge(
  seen: ReadonlyMap<string, SeenSeal>,
  { name, sequence, root }: SeenSeal,
): SeenSeal | null | "new" {
  const latest = seen.get(name);
  if (latest === undefined || latest.sequence < sequence) return "new";
  return latest.sequence === sequence && isSameDigest(latest.root, root) ? null : latest;
}

/** By name; empty where there is no file. @throws SEEN_SEALS_INVALID */
export async function readSeenSeals(path: string): Promise<ReadonlyMap<string, SeenSeal>> {
  let value: unknown;
  try {
    await using file = await openRegular(path);
    if ((await file.stat()).size > longest) throw new Error(`it has more than ${longest} bytes`);
    value = JSON.parse(await file.readFile("utf8"));
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return new Map();
    throw damaged(path, reasonOf(thrown), thrown);
  }
  if (!isSeen(value)) throw damaged(path, "it is not as it was written");
  return new Map(value.seen.map((each) => [each.name, each]));
}

function isSeen(value: unknown): value is { readonly seen: readonly SeenSeal[] } {
  return conforms(schema, value);
}

async function locked(path: string, signal: AbortSignal | undefined): Promise<FileLock> {
  for (const began = performance.now(); ; ) {
    throwIfCancelled(signal, "Waiting for the seals that were seen");
    try {
      return await lockFile(path, "server");
    } catch (thrown) {
      const isBusy = thrown instanceof CupelError && thrown.code === "FILE_LOCKED";
      if (!isBusy || performance.now() - began > patienceMs) throw thrown;
      await delay(pauseMs);
    }
  }
}

/** The new name is durable then. Windows opens no folders, and keeps its names by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder);
  await handle.sync();
}

function damaged(path: string, reason: string, cause?: unknown) {
  return attestErrors.error(
    "SEEN_SEALS_INVALID",
    `${path}, which keeps the seals that were seen, cannot be used: ${reason}. ` +
      "Put it back from a copy. Without it older seals would count again: remove it only where you mean that.",
    { cause, details: { path, reason } },
  );
}
