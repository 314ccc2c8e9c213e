/**
 * What an operator says of keeping: `policy.json` in the folder of a log, which a person, `cupel audit hold` or
 * `cupel audit retain --keep` writes. Where there is none, or no `keep` in it, nothing is ever removed.
 *
 *     { "keep": "P180D",
 *       "holds": [{ "id": "case-17", "from": "2026-01-01T00:00:00Z", "to": "2026-03-31T23:59:59Z", "reason": "..." }] }
 *
 * It is data: what it says takes effect when the writer of the log has recorded what changed in it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CupelError, type FileLock, lockFile, reasonOf, writeFileAtomically } from "@cupel/base";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { auditErrors } from "../errors.ts";
import { parseDuration } from "./duration.ts";

export const policyFile = "policy.json";

const time = (description: string) =>
  Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$", description });

export const retentionPolicySchema = Type.Object(
  {
    keep: Type.Optional(
      Type.String({ description: "How long events are kept, as an ISO 8601 duration. Default: for ever" }),
    ),
    holds: Type.Optional(
      Type.Array(
        Type.Object(
          {
            id: Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" }),
            from: Type.Optional(time("Events at or after it are held. Default: from the first one on")),
            to: Type.Optional(time("Events at or before it are held. Default: those to come too")),
            reason: Type.String({ minLength: 1, maxLength: 1000 }),
            until: Type.Optional(time("When the hold ends by itself. Default: when it is released")),
          },
          { additionalProperties: false },
        ),
        { description: "What is in force: whatever a hold covers is not removed" },
      ),
    ),
  },
  { additionalProperties: false },
);

/** As it is written. */
export type RetentionPolicyInput = Static<typeof retentionPolicySchema>;
export type LegalHold = NonNullable<RetentionPolicyInput["holds"]>[number];

export interface RetentionPolicy {
  /** As it is written; null for ever. */
  readonly keep: string | null;
  /** Milliseconds; Infinity for ever. */
  readonly keepMs: number;
  readonly holds: readonly LegalHold[];
}

const compiled = Compile(retentionPolicySchema);

/** @throws RETENTION_POLICY_INVALID; the details have `pointer` */
export function parseRetentionPolicy(input: unknown): RetentionPolicy {
  if (!compiled.Check(input)) {
    // The deepest is the nearest to what is wrong. A member too many is a misfit of the schema `false`.
    const depth = (path: string): number => path.split("/").length;
    const [deepest] = compiled
      .Errors(input)
      .toSorted((one, other) => depth(other.instancePath) - depth(one.instancePath));
    const { instancePath = "", keyword = "", message = "" } = deepest ?? {};
    throw invalid(instancePath, keyword === "boolean" ? "it is not known" : message);
  }
  const { keep = null, holds = [] } = input;
  const keepMs = keep === null ? Number.POSITIVE_INFINITY : parseDuration(keep);
  if (keepMs === null) {
    throw invalid(
      "/keep",
      `"${keep}" is no duration of weeks, days, hours, minutes and seconds, such as P180D`,
    );
  }
  const ids = new Set<string>();
  for (const [at, { id, from, to, until }] of holds.entries()) {
    const place = `/holds/${at}`;
    for (const [name, text] of Object.entries({ from, to, until })) {
      if (text !== undefined && Number.isNaN(Date.parse(text))) {
        throw invalid(`${place}/${name}`, `"${text}" is no time`);
      }
    }
    if (from !== undefined && to !== undefined && Date.parse(from) > Date.parse(to)) {
      throw invalid(`${place}/to`, "the hold ends before it begins");
    }
    if (ids.has(id)) throw invalid(`${place}/id`, `there is another hold "${id}"`);
    ids.add(id);
  }
  return { keep, keepMs, holds };
}

/** Null where there is none. @throws RETENTION_POLICY_INVALID */
export async function readRetentionPolicy(folder: string): Promise<RetentionPolicyInput | null> {
  const path = join(folder, policyFile);
  try {
    const input: unknown = JSON.parse(await readFile(path, "utf8"));
    parseRetentionPolicy(input);
    return compiled.Check(input) ? input : null;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    if (thrown instanceof CupelError) throw thrown;
    throw invalid("", reasonOf(thrown), path);
  }
}

/**
 * What it says takes effect with the next pass of the log's writer, and before anything more is removed.
 * @param change gets what is there and returns what is to be
 * @throws RETENTION_POLICY_INVALID; FILE_LOCKED where another one changes it, or retention is under way, for long; WRITE_FAILED, DISK_FULL
 */
export async function changeRetentionPolicy(
  folder: string,
  change: (policy: RetentionPolicyInput) => RetentionPolicyInput,
): Promise<void> {
  await using _lock = await lockRetentionPolicy(folder);
  const changed = change((await readRetentionPolicy(folder)) ?? {});
  parseRetentionPolicy(changed);
  await writeFileAtomically(join(folder, policyFile), `${JSON.stringify(changed, null, 2)}\n`);
}

/** Milliseconds that a change waits for a pass of retention, or for another change. */
const patience = 10_000;
const attemptPause = 50;

/**
 * Held by whoever changes the policy, and by whoever removes what it allows: a hold that was set holds.
 * @throws FILE_LOCKED where another one has it for long; WRITE_FAILED, DISK_FULL
 */
export async function lockRetentionPolicy(folder: string): Promise<FileLock> {
  const start = performance.now();
  for (;;) {
    try {
      return await lockFile(join(folder, policyFile), "policy of retention");
    } catch (thrown) {
      const isLocked = thrown instanceof CupelError && thrown.code === "FILE_LOCKED";
      if (!isLocked || performance.now() - start > patience) throw thrown;
      await pause(attemptPause);
    }
  }
}

function invalid(pointer: string, reason: string, path: string = policyFile) {
  return auditErrors.error(
    "RETENTION_POLICY_INVALID",
    `The policy of retention, ${path}, has a mistake at ${pointer || "its top"}: ${reason}. Mend it: nothing is removed under it.`,
    { details: { pointer } },
  );
}
