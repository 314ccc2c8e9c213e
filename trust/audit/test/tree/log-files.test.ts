/** What is written of a log, in a real folder. */
import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  checkpointText,
  checkTree,
  generateNoteKey,
  openCheckpoint,
  readLog,
  signNote,
  writeCheckpoint,
  writeLogFiles,
} from "@cupel/audit";
import { openTemporaryFolder } from "@cupel/base";
import { memoryLog } from "./memory-log.ts";

const linesOf = (count: number) => Array.from({ length: count }, (_, at) => `{"line":${at}}`);
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1))
    .sort();

test("a log that grows is whole at every checkpoint, and full files replace partial ones", async () => {
  await using folder = await openTemporaryFolder("log");
  const key = generateNoteKey("example.com/log");
  const log = memoryLog();
  const durable = new Set<string>();
  for (const batch of [3, 250, 2, 1, 300]) {
    log.append(linesOf(batch));
    await writeLogFiles(folder.path, log.publish(), durable);
    const text = checkpointText("example.com/log", log.tree.size, log.tree.root(), log.sm3.root());
    await writeCheckpoint(folder.path, signNote(text, [key]));
    const reader = readLog(folder.path);
    const keys = { origin: "example.com/log", logKeys: [key] };
    const checkpoint = openCheckpoint(await reader.checkpoint(), keys);
    assert.deepEqual(await checkTree(reader, checkpoint), {
      faults: [],
      entries: log.tree.size,
      missing: [],
    });
    assert.deepEqual(checkpoint.sm3Root, log.sm3.root());
  }
  assert.deepEqual(await filesIn(folder.path), ["checkpoint", ...log.files.keys()].sort());
  assert.ok(!log.files.has("tile/0/000.p/253") && log.files.has("tile/0/000"));
});

test("a folder counts as durable by name while it is there: not when it was replaced by a full file, or removed", async () => {
  await using folder = await openTemporaryFolder("log");
  const durable = new Set<string>();
  const names = () => [...durable].map((path) => path.slice(folder.path.length + 1)).sort();
  const file = (path: string, replaces: string | null = null) => ({
    path,
    bytes: Buffer.from("x"),
    replaces,
  });
  await writeLogFiles(folder.path, [file("tile/0/000.p/3")], durable);
  assert.deepEqual(names(), ["tile", "tile/0", "tile/0/000.p"]);
  await writeLogFiles(folder.path, [file("tile/0/000", "tile/0/000.p")], durable);
  assert.deepEqual(names(), ["tile", "tile/0"]);
  await rm(join(folder.path, "tile"), { recursive: true });
  await writeLogFiles(folder.path, [file("tile/0/001.p/1")], durable);
  assert.deepEqual(names(), ["tile", "tile/0", "tile/0/001.p"]);
  assert.deepEqual(await filesIn(folder.path), ["tile/0/001.p/1"]);
});

test("where a file cannot be written nothing of it is left", async () => {
  await using folder = await openTemporaryFolder("log");
  const file = (path: string) => ({ path, bytes: Buffer.from("new"), replaces: null });
  await writeFile(join(folder.path, "tile"), "a file");
  await assert.rejects(writeLogFiles(folder.path, [file("checkpoint"), file("tile/0/000")]), {
    code: "WRITE_FAILED",
    message: /tile/,
  });
  assert.deepEqual(await filesIn(folder.path), ["tile"]);
  assert.equal(await readFile(join(folder.path, "tile"), "utf8"), "a file");
});

test("a log whose folder is gone is not begun anew", async () => {
  await using folder = await openTemporaryFolder("log");
  const gone = join(folder.path, "gone");
  const note = signNote("text\n", [generateNoteKey("example.com/log")]);
  await assert.rejects(writeCheckpoint(gone, note), { code: "WRITE_FAILED" });
  assert.deepEqual(await readdir(folder.path), []);
});

test("a file that is no file, or longer than it can be, is refused and not read", async () => {
  await using folder = await openTemporaryFolder("log");
  await mkdir(join(folder.path, "tile/0"), { recursive: true });
  await writeFile(join(folder.path, "tile/0/000"), Buffer.alloc(8193));
  await mkdir(join(folder.path, "checkpoint"));
  const log = readLog(folder.path);
  await assert.rejects(log.tile({ level: 0, index: 0, width: 256 }), { code: "LOG_INVALID" });
  await assert.rejects(log.checkpoint(), { code: "LOG_UNREADABLE" });
  await assert.rejects(log.checkpoint("checkpoint/inside"), { code: "LOG_FILE_MISSING" });
});

const asRoot = process.getuid?.() === 0;
test("what may not be read is not called wrong", { skip: asRoot ? "root may read all" : false }, async () => {
  await using folder = await openTemporaryFolder("log");
  await writeFile(join(folder.path, "checkpoint"), "text");
  await chmod(join(folder.path, "checkpoint"), 0);
  await assert.rejects(readLog(folder.path).checkpoint(), { code: "LOG_UNREADABLE" });
});
