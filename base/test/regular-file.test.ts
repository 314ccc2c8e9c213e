/** What is no file is refused at once, and read by nobody. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder, readRegular } from "@cupel/base";

const isWindows = process.platform === "win32";

test("a file is read whole, an empty one too; a missing one keeps the system's code", async () => {
  await using folder = await openTemporaryFolder("read");
  const path = join(folder.path, "a");
  for (const text of ["", "abc"]) {
    await writeFile(path, text);
    assert.equal((await readRegular(path)).toString(), text);
  }
  await assert.rejects(readRegular(join(folder.path, "b")), { code: "ENOENT" });
});

test("a folder, a pipe that nobody writes to and a device without an end are none", {
  skip: isWindows && "no pipes among files",
}, async () => {
  await using folder = await openTemporaryFolder("read");
  const pipe = join(folder.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const [path, words] of [
    [folder.path, "a folder"],
    [pipe, "a pipe"],
    ["/dev/zero", "a device"],
  ] as const) {
    await assert.rejects(readRegular(path), { message: `it is ${words}, and not a file` });
  }
});
