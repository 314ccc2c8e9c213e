/** The cache of digests: what it spares, and what it is not believed. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { appendFile, chmod, mkdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Clock, openTemporaryFolder } from "@cupel/base";
import { readManifest } from "../../src/index.ts";
import { countingProgress } from "../support/counting-progress.ts";

const posix = process.platform === "win32" ? "Windows has no such things" : false;

const later: Clock = { now: () => Date.now() + 10_000, monotonic: () => performance.now() };

async function cachedFolder() {
  const folder = await openTemporaryFolder("attest");
  await mkdir(join(folder.path, "model"));
  for (const name of ["a", "b", "c"]) await writeFile(join(folder.path, "model", name), name.repeat(100));
  const file = join(folder.path, "cache/digests");
  /** How many files were read. */
  const read = async (options: { distrust?: boolean; clock?: Clock } = {}) => {
    const { counted, progress } = countingProgress();
    const manifest = await readManifest(join(folder.path, "model"), {
      progress,
      cache: { file, clock: later, ...options },
    });
    assert.deepEqual(manifest, await readManifest(join(folder.path, "model")));
    return counted.advanced / 100;
  };
  return {
    folder,
    file,
    model: join(folder.path, "model"),
    read,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("a cache spares the reading of what nobody touched", async () => {
  await using cached = await cachedFolder();
  assert.equal(await cached.read(), 3);
  assert.equal(await cached.read(), 0);
  await rename(join(cached.model, "a"), join(cached.model, "d"));
  const { atime, mtime } = await stat(join(cached.model, "b"));
  await writeFile(join(cached.model, "b"), "B".repeat(100));
  await utimes(join(cached.model, "b"), atime, mtime);
  // Renaming changes the state of a file too.
  assert.equal(await cached.read(), 2);
  assert.equal(await cached.read(), 0);
  assert.equal(await cached.read({ distrust: true }), 3);
});

test("a cache keeps nothing of files that were just written", async () => {
  await using cached = await cachedFolder();
  const now = { now: () => Date.now(), monotonic: () => performance.now() };
  assert.equal(await cached.read({ clock: now }), 3);
  assert.equal(await cached.read({ clock: now }), 3);
});

test("a damaged cache, or one that others may write, is none", { skip: posix }, async () => {
  await using cached = await cachedFolder();
  await cached.read();
  assert.equal((await stat(cached.file)).mode & 0o777, 0o600);
  const whole = await readFile(cached.file);
  for (let at = 0; at < whole.length; at += 1 + Math.floor(whole.length / 16)) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1;
    await writeFile(cached.file, damaged);
    assert.equal(await cached.read(), 3, `byte ${at}`);
  }
  await writeFile(cached.file, whole.subarray(0, -1));
  assert.equal(await cached.read(), 3);
  assert.equal(await cached.read(), 0);
  await chmod(cached.file, 0o666);
  assert.equal(await cached.read(), 3);
});

test("a forged cache is believed unless it is distrusted, and has no place in the folder", async () => {
  await using cached = await cachedFolder();
  await cached.read();
  const [head = "", ...lines] = (await readFile(cached.file, "utf8")).split("\n");
  const forged = lines.map((line) => line.replace(/ [0-9a-f]{64} /, ` ${"0".repeat(64)} `)).join("\n");
  await writeFile(cached.file, `${head.replace(/[0-9a-f]{64}$/, hash("sha256", forged))}\n${forged}`);
  const cache = { file: cached.file, clock: later };
  const honest = await readManifest(cached.model);
  assert.notDeepEqual(await readManifest(cached.model, { cache }), honest);
  assert.deepEqual(await readManifest(cached.model, { cache: { ...cache, distrust: true } }), honest);
  assert.deepEqual(await readManifest(cached.model, { cache }), honest);
  await appendFile(cached.file, "more\n");
  assert.deepEqual(await readManifest(cached.model, { cache }), honest);
  await assert.rejects(readManifest(cached.model, { cache: { file: join(cached.model, "digests") } }), {
    code: "OPTION_INVALID",
  });
});
