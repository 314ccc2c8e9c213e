/** What the commands of the environment share: sources, how files of Windows are read, and the key of snapshots. */
import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { CupelError, readRegular, reasonOf } from "@cupel/base";
import {
  parseSnapshot,
  parseSnapshotKey,
  parseSourceReference,
  type ReadOptions,
  readSources,
  type Snapshot,
  type SourceReference,
  snapshotKeyBytes,
  sourceKinds,
  takeSnapshot,
} from "@cupel/env-trace";
import { repeated, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { makeKeyFile, readKeyFile } from "../audit/key-file.ts";
import type { CommandContext } from "../commands/command.ts";
import { cliErrors } from "../errors.ts";

/** For the description of each command that takes sources. */
export const sourceHelp = `A source is KIND:PLACE, or a place whose name tells its kind:\n${Object.entries(
  sourceKinds,
)
  .map(([name, { summary }]) => `${name}: ${summary}`)
  .join("\n")}`;

export const readingOptions = {
  codePage: text({
    name: "code-page",
    placeholder: "LABEL",
    summary: "Of files from Windows that are neither UTF-8 nor UTF-16, such as windows-1252 or gbk",
  }),
  assume: repeated(
    {
      name: "assume",
      placeholder: "NAME=VALUE",
      summary:
        "What %NAME% of the registry stands for where the registry does not say, such as SystemRoot=C:\\Windows; repeatable",
    },
    "a name, an equals sign and a value",
    (given) => {
      const equals = given.indexOf("=");
      return equals > 0 ? ([given.slice(0, equals), given.slice(equals + 1)] as const) : undefined;
    },
  ),
  root: text({
    name: "root",
    placeholder: "DIR",
    summary: "Where the absolute paths in units of systemd begin, for a system that is mounted elsewhere",
    fallback: "/",
  }),
};

export const keyOption = text({
  name: "key",
  placeholder: "FILE",
  summary:
    "The key of the hashes; made, for its owner alone, where there is none. Snapshots are compared under one key",
  fallback: "cupel/environment.key where configurations are kept",
});

export function readOptionsOf(given: Given): ReadOptions {
  const { codePage, assume, root } = readingOptions;
  return { codePage: given.get(codePage), assumed: new Map(given.get(assume)), root: given.get(root) };
}

/** @throws ENV_SOURCE_UNKNOWN */
export function referencesOf(operands: readonly string[]): SourceReference[] {
  return operands.map(parseSourceReference);
}

/** @throws FILE_UNREADABLE, ENV_KEY_INVALID, WRITE_FAILED */
export async function snapshotKey(given: Given, { say }: Pick<CommandContext, "say">): Promise<Buffer> {
  const path = given.get(keyOption) ?? join(configurations(), "cupel", "environment.key");
  const found = await readKeyFile(path);
  if (found !== null) return parseSnapshotKey(found, path);
  const key = randomBytes(snapshotKeyBytes);
  await makeKeyFile(path, `${key.toString("base64")}\n`);
  say(
    `Made the key ${path}. Keep it: snapshots under another key cannot be compared with those under this one.`,
  );
  return key;
}

function configurations(): string {
  const { APPDATA, XDG_CONFIG_HOME } = process.env;
  return (process.platform === "win32" ? APPDATA : XDG_CONFIG_HOME) || join(homedir(), ".config");
}

/** @throws FILE_UNREADABLE, ENV_SNAPSHOT_INVALID, ENV_SNAPSHOT_NEWER */
export async function readSnapshot(path: string): Promise<Snapshot> {
  const bytes = await readRegular(path).catch((thrown: unknown) => {
    throw cliErrors.error("FILE_UNREADABLE", `Cannot read the snapshot ${path}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { file: path },
    });
  });
  return parseSnapshot(bytes.toString("utf8"), path);
}

/** A file of a snapshot, or a source as it is now. @param key is asked for only where a source is taken */
export async function snapshotOrSource(
  operand: string,
  given: Given,
  key: () => Promise<Buffer>,
  context: CommandContext,
): Promise<Snapshot> {
  let reference: SourceReference;
  try {
    reference = parseSourceReference(operand);
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "ENV_SOURCE_UNKNOWN")
      return await readSnapshot(operand);
    throw thrown;
  }
  const reading = await readSources([reference], readOptionsOf(given));
  for (const remark of reading.remarks) context.remark(remark);
  return takeSnapshot(reading, await key(), context.clock);
}
