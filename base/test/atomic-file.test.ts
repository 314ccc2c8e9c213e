import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CupelError, createFileAtomically, writeFileAtomically } from "@cupel/base";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-base-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("chunks are written in order, in folders made on the way", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a", "b", "file");
    const chunks = Array.from({ length: 2000 }, (_, i) => Uint8Array.of(i % 256, i >> 8));
    await writeFileAtomically(path, chunks);
    assert.deepEqual(await readFile(path), Buffer.concat(chunks));
  }));

test("a failure half way leaves the old file and nothing else", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeFile(path, "old");
    const failing = function* () {
      yield new Uint8Array(10_000);
      throw new Error("out of chunks");
    };
    await assert.rejects(writeFileAtomically(path, failing()), {
      code: "WRITE_FAILED",
      message: /out of chunks/,
    });
    assert.equal(await readFile(path, "utf8"), "old");
    assert.deepEqual(await readdir(folder), ["file"]);
  }));

test("a cancelled write leaves nothing", () =>
  inFolder(async (folder) => {
    const controller = new AbortController();
    const chunks = function* () {
      yield new Uint8Array(10);
      controller.abort();
    };
    const written = writeFileAtomically(join(folder, "file"), chunks(), { signal: controller.signal });
    await assert.rejects(written, { code: "CANCELLED" });
    assert.deepEqual(await readdir(folder), []);
  }));

test("a folder that is a file is told as such", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "file"), "old");
    await assert.rejects(writeFileAtomically(join(folder, "file", "inside"), "new"), {
      code: "WRITE_FAILED",
      message: /inside.*(EEXIST|ENOTDIR)/,
    });
    assert.deepEqual(await readdir(folder), ["file"]);
  }));

test("a full device is its own error", async () => {
  // A chunk iterator that fails as the kernel would.
  const full = function* (): Iterable<Uint8Array> {
    yield new Uint8Array(10);
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  await inFolder(async (folder) => {
    await assert.rejects(writeFileAtomically(join(folder, "file"), full()), (thrown) => {
      assert.ok(thrown instanceof CupelError);
      assert.equal(thrown.code, "DISK_FULL");
      assert.equal(thrown.spec.exit, 74);
      return true;
    });
  });
});

test("of several that create a file at once the first wins, and nothing else is left", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a", "file");
    const won = await Promise.all(["0", "1", "2", "3"].map((text) => createFileAtomically(path, text)));
    assert.equal(won.filter((isFirst) => isFirst).length, 1);
    assert.equal(await readFile(path, "utf8"), String(won.indexOf(true)));
    assert.equal(await createFileAtomically(path, "later"), false);
    assert.equal(await readFile(path, "utf8"), String(won.indexOf(true)));
    assert.deepEqual(await readdir(join(folder, "a")), ["file"]);
  }));
