/** What a killed process leaves under temporary names goes with the next one; what belongs to anybody else stays. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertWritable, openTemporaryFolder } from "@cupel/base";
import { isAbandoned, ownerMark } from "../src/owner-mark.ts";
import { sweepTemporaryFolders } from "../src/temporary-folder.ts";

let scratch: string;
/** Of a process that was killed with a temporary folder open and a file half-written. */
let dead: string;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "test-base-"));
  const source = `
    import { openTemporaryFolder, writeFileAtomically } from "@cupel/base";
    import { ownerMark } from "./src/owner-mark.ts";
    await openTemporaryFolder("killed");
    async function* chunks() {
      yield Buffer.from("half");
      console.log(ownerMark());
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }
    await writeFileAtomically(${JSON.stringify(join(scratch, "out", "model.onnx"))}, chunks());
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: join(import.meta.dirname, ".."),
    env: { ...process.env, TMPDIR: scratch, TEMP: scratch },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [told] = await once(child.stdout, "data");
  dead = String(told).trim();
  child.kill("SIGKILL");
  await once(child, "close");
});

after(() => rm(scratch, { recursive: true, force: true }));

test("a mark tells a process that is gone from one that runs, and judges none of another machine", () => {
  assert.equal(isAbandoned(ownerMark()), false);
  assert.equal(isAbandoned(dead), true);
  const [place, pid] = ownerMark().split("-");
  assert.equal(isAbandoned(`${place}-${pid}-1`), true, "its number has been given to another process");
  assert.equal(isAbandoned(dead.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))), false);
  for (const other of ["", "work", "0-1-2", `${dead}x`, "ZU54L4"]) assert.equal(isAbandoned(other), false);
});

test("the next run removes a killed one's folder; what it left half-written goes as its path is tried", async () => {
  const names = await readdir(scratch);
  assert.deepEqual(
    names.filter((name) => name.startsWith(`cupel-killed-${dead}-`)).length,
    1,
    names.join(", "),
  );
  const out = join(scratch, "out");
  assert.match((await readdir(out)).join(), new RegExp(`^\\.model\\.onnx\\.${dead}\\.\\w+\\.partial$`));
  await assertWritable([join(out, "other.onnx")]);
  assert.equal((await readdir(out)).length, 1, "another path's is not its business");
  await assertWritable([join(out, "model.onnx")]);
  assert.deepEqual(await readdir(out), []);
  assert.equal((await sweepTemporaryFolders(scratch)).length, 1);
  assert.deepEqual(await readdir(scratch), ["out"]);
});

test("sweepers at once remove each folder once, and nothing that is not a killed process's", async () => {
  const folder = join(scratch, "shared");
  const precious = join(scratch, "precious");
  const kept = [
    `cupel-work-${ownerMark()}-abc123`,
    `cupel-work-${dead.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))}-abc123`,
    "cupel-work-ZU54L4",
    `other-work-${dead}-abc123`,
    `cupel-${dead}`,
  ];
  const gone = Array.from({ length: 20 }, (_, i) => `cupel-re-ports-${dead}-a${i}`);
  for (const name of [...kept, ...gone]) {
    await mkdir(join(folder, name, "inside"), { recursive: true });
    await writeFile(join(folder, name, "inside", "file"), "bytes");
  }
  await mkdir(precious);
  await writeFile(join(precious, "file"), "precious");
  await symlink(precious, join(folder, `cupel-work-${dead}-link`));
  const removed = await Promise.all([1, 2, 3, 4].map(() => sweepTemporaryFolders(folder)));
  assert.deepEqual(removed.flat().sort(), [...gone, `cupel-work-${dead}-link`].sort());
  assert.deepEqual((await readdir(folder)).sort(), kept.sort());
  assert.equal(await readFile(join(precious, "file"), "utf8"), "precious");
});

test("a temporary folder goes with its owner, and is marked as its own until then", async () => {
  const path = await (async () => {
    await using folder = await openTemporaryFolder("mine");
    assert.ok(folder.path.startsWith(join(tmpdir(), `cupel-mine-${ownerMark()}-`)));
    assert.deepEqual(await readdir(folder.path), []);
    return folder.path;
  })();
  await assert.rejects(readdir(path), { code: "ENOENT" });
});
