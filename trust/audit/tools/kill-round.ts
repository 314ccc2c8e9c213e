/** One kill, and what is held against the log after it. Whatever is missing is thrown. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Random } from "@cupel/base";
import { systemDisk } from "../src/journal/disk.ts";
import { linesOf, wholeLines } from "../src/journal/lines.ts";
import { readSegment } from "../src/journal/read-journal.ts";
import { segmentName, segmentsAmong } from "../src/journal/segment-name.ts";
import { openMasker } from "../src/masking/masker.ts";
import { openCheckpoint } from "../src/note/checkpoint.ts";
import { openRecorder } from "../src/recorder/recorder.ts";
import { checkTree } from "../src/tree/check-tree.ts";
import { readLog } from "../src/tree/log-reader.ts";
import { testKey, testOrigin } from "./test-log.ts";

/** Ids of acknowledged events, by index. */
export type Promised = Map<number, string>;

export interface ChildWords {
  readonly child: ChildProcess;
  /** What it said, line by line, until it ended. */
  readonly lines: AsyncIterable<string>;
  /** How it ended, a clause, with the last it said on its standard error. */
  readonly ended: Promise<string>;
}

/** Of an error with its stack. */
const mostOfError = 4000;
const killed = "killed by SIGKILL";

/** @param prefix a command that runs it, such as one that injects faults */
export function startRecording(
  folder: string,
  words: readonly string[] = [],
  prefix: readonly string[] = [],
): ChildWords {
  const script = fileURLToPath(new URL("./recording-child.ts", import.meta.url));
  const [command = process.execPath, ...before] = [...prefix, process.execPath];
  const child = spawn(command, [...before, script, folder, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-mostOfError);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("close", (status, signal) => {
      resolve(
        signal === "SIGKILL" ? killed : `ended by ${signal ?? `itself with status ${status}`}: ${said}`,
      );
    });
  });
  return { child, lines: createInterface({ input: child.stdout }), ended };
}

/** @param random decides how long it lives: from before it has opened the log to a quarter of a second after */
export async function killRound(folder: string, random: Random, promised: Promised): Promise<void> {
  const { child, lines, ended } = startRecording(folder);
  const fresh: Promised = new Map();
  const early = random.uniform() < 0.15;
  if (early) void pause(random.integer(400)).then(() => child.kill("SIGKILL"));
  for await (const line of lines) {
    if (line === "open" && !early) void pause(random.integer(250)).then(() => child.kill("SIGKILL"));
    // The last one may be cut short: what was not said whole was not said.
    const [, id, index] = /^logged ([0-9a-f-]{36}) (\d+)$/.exec(line) ?? [];
    if (id !== undefined) fresh.set(Number(index), id);
  }
  assert.equal(await ended, killed);
  for (const [index, id] of fresh) {
    assert.ok(!promised.has(index), `index ${index} was given twice`);
    promised.set(index, id);
  }
  await assertThere(folder, fresh);
}

/** In the files as they lie, which nobody has recovered. */
export async function assertThere(folder: string, promised: Promised): Promise<void> {
  const journal = join(folder, "log", "journal");
  const names = await readdir(journal).catch(() => []);
  const segments = segmentsAmong(names);
  const oldest = Math.min(...promised.keys());
  for (const [at, segment] of segments.entries()) {
    const end = segments[at + 1]?.first ?? Number.POSITIVE_INFINITY;
    if (end <= oldest) continue;
    const bytes = await readSegment(systemDisk, join(journal, segmentName(segment)), segment.form);
    const { length } = wholeLines(bytes);
    const lines = linesOf(bytes.subarray(0, length)).slice(0, end - segment.first);
    for (const [offset, line] of lines.entries()) {
      const id = promised.get(segment.first + offset);
      if (id !== undefined)
        assert.ok(Buffer.from(line).includes(id), `event ${segment.first + offset} is another one`);
    }
    for (const index of promised.keys()) {
      if (index < segment.first || index >= end) continue;
      assert.ok(index < segment.first + lines.length, `acknowledged event ${index} is missing`);
    }
  }
  assert.ok(promised.size === 0 || segments.length > 0, "there is no journal");
}

/** Opens the log once more, closes it, and holds all of it against the promises and its tree. @returns its size */
export async function verifyLog(
  folder: string,
  promised: Promised,
  spilled: ReadonlySet<string> = new Set(),
): Promise<number> {
  const log = join(folder, "log");
  const spillFolder =
    spilled.size === 0 ? {} : ({ policy: "spill", spillFolder: join(folder, "spill") } as const);
  const recorder = await openRecorder({
    folder: log,
    origin: testOrigin,
    tree: { key: testKey },
    masker: openMasker({ tags: { "sub.id": "keep", "ctx.ip": "keep" }, detect: [] }, null),
    ...spillFolder,
  });
  await recorder[Symbol.asyncDispose]();
  const reader = readLog(log);
  const checkpoint = openCheckpoint(await reader.checkpoint(), { origin: testOrigin, logKeys: [testKey] });
  const ids = new Set<string>();
  const report = await checkTree(reader, checkpoint, {
    onEntry(entry, index) {
      const { id } = JSON.parse(entry.toString());
      assert.ok(!ids.has(id), `event ${id} is there twice`);
      ids.add(id);
      const expected = promised.get(index);
      if (expected !== undefined) assert.equal(id, expected, `event ${index} is another one`);
    },
  });
  assert.deepEqual(report.faults, []);
  assert.equal(report.entries, checkpoint.size);
  for (const [index, id] of promised) assert.ok(ids.has(id), `acknowledged event ${index} is missing`);
  for (const id of spilled) assert.ok(ids.has(id), `spilled event ${id} never came to the log`);
  return checkpoint.size;
}
