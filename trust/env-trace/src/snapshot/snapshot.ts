/**
 * A snapshot of environments: names, lengths, and a keyed hash of each value; never a value. Whoever has the snapshot and not the key
 * learns no value, not even a short one by trying; whoever has both can tell whether a value is the same as before.
 *
 * The hash is HMAC-SHA-256 under the key over the name in capitals, a zero and the value: two names with one value do not show it, and
 * a snapshot of Windows, where case says nothing, can be compared with any other.
 * Nothing of a snapshot is shared with what it was taken of, and it is frozen.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import { type EnvironmentReading, stateOf } from "./read-sources.ts";
import type { SourceKindName } from "./source-kinds.ts";
import { bytesOfText } from "./source-text.ts";
import { foldName } from "./windows/windows-environment.ts";

export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** Of the key; says nothing of it. */
  readonly keyId: string;
  readonly isCaseBlind: boolean;
  readonly state: "persistent" | "live" | "mixed";
  readonly sources: readonly SnapshotSource[];
  readonly environments: readonly SnapshotEnvironment[];
}

export interface SnapshotSource {
  readonly kind: SourceKindName;
  readonly place: string;
}

export interface SnapshotEnvironment {
  /** "environment", or the container it is of. */
  readonly scope: string;
  /** In the order of their names. */
  readonly variables: readonly SnapshotVariable[];
}

export interface SnapshotVariable {
  readonly name: string;
  /** Bytes of the value; null where it is computed. */
  readonly length: number | null;
  /** Hexadecimal; null where the value is computed. */
  readonly digest: string | null;
  /** Where the value is computed: by what. */
  readonly computed: string | null;
  /** Of `sources`. */
  readonly source: number;
  /** Of the source; null where it has none. */
  readonly line: number | null;
}

/** Bytes of a key. */
export const snapshotKeyBytes = 32;

/** @param text base64, as a file of a key has it. @throws ENV_KEY_INVALID */
export function parseSnapshotKey(text: string, where: string): Buffer {
  const key = Buffer.from(text.trim(), "base64");
  if (/^[A-Za-z0-9+/]{43}=$/.test(text.trim())) return key;
  throw envTraceErrors.error(
    "ENV_KEY_INVALID",
    `${where} must hold ${snapshotKeyBytes} bytes in base64, on one line.`,
    {
      details: { file: where },
    },
  );
}

/** @param key 32 random bytes. @throws ENV_KEY_INVALID */
export function takeSnapshot(reading: EnvironmentReading, key: Uint8Array, clock: Clock): Snapshot {
  if (key.length !== snapshotKeyBytes) {
    throw envTraceErrors.error(
      "ENV_KEY_INVALID",
      `A key has ${snapshotKeyBytes} bytes, and not ${key.length}.`,
    );
  }
  const environments = reading.environments.map(({ scope, variables }) =>
    Object.freeze({
      scope,
      variables: Object.freeze(
        [...variables]
          .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
          .map(([, statement]) => {
            const { name, source, line } = statement;
            const value = statement.kind === "set" ? bytesOfText(statement.value) : null;
            const digest = value === null ? null : digestOf(key, name, value);
            const length = value?.length ?? null;
            value?.fill(0);
            return Object.freeze({
              name,
              length,
              digest,
              computed: statement.kind === "computed" ? statement.why : null,
              source,
              line,
            });
          }),
      ),
    }),
  );
  return Object.freeze({
    takenAt: clock.now(),
    keyId: keyIdOf(key),
    isCaseBlind: reading.isCaseBlind,
    state: stateOf(reading.sources),
    sources: Object.freeze(reading.sources.map(({ kind, place }) => Object.freeze({ kind, place }))),
    environments: Object.freeze(environments),
  });
}

function digestOf(key: Uint8Array, name: string, value: Uint8Array): string {
  return createHmac("sha256", key)
    .update(bytesOfText(foldName(name)))
    .update("\0")
    .update(value)
    .digest("hex");
}

/** No name is empty, so that no variable has this hash. */
function keyIdOf(key: Uint8Array): string {
  return createHmac("sha256", key).update("\0cupel environment snapshot").digest("hex").slice(0, 16);
}
