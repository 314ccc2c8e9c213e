/**
 * Nothing happens to a folder unseen: changes are drawn at random, made on the disk, and each must be found by its name
 * and kind, with nothing else, and move both roots. A folder of 120 files and 60 changes; with CUPEL_LONG_TESTS 1,000 files, 240
 * changes, and a byte of each file.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import {
  compareManifests,
  describeDifference,
  manifestRoots,
  readManifest,
  readSha256Manifest,
} from "../../src/index.ts";
import { changes, overwrite } from "../support/folder-changes.ts";
import { drawFolder, writeEntries } from "../support/model-folder.ts";
import { type ReferenceEntry, referenceRoots } from "../support/reference-root.ts";

const isLong = process.env.CUPEL_LONG_TESTS !== undefined;
const [fileCount, changeCount] = isLong ? [1000, 240] : [120, 60];

test("every change of a folder is named, and moves both roots", {
  skip: process.platform === "win32" && "it changes modes",
}, async () => {
  await using folder = await openTemporaryFolder("attest");
  const random = createRandom(17);
  const entries = drawFolder(random, fileCount);
  await writeEntries(folder.path, entries);
  const sealed = await readManifest(folder.path);
  const roots = manifestRoots(sealed);
  assert.deepEqual(roots, referenceRoots(entries));

  const one = (kind: ReferenceEntry["kind"]) => {
    const such = entries.filter((entry) => entry.kind === kind);
    return such[random.integer(such.length)]!;
  };
  const kinds = Object.entries(changes);
  for (let i = 0; i < changeCount; i++) {
    const [name, draw] = kinds[i % kinds.length]!;
    const change = await draw(one, random, folder.path);
    const found = await readManifest(folder.path);
    const differences = compareManifests(sealed, found);
    assert.deepEqual(differences, change.told, `change ${i}, ${name}`);
    assert.equal(new Set(differences.map(describeDifference)).size, change.told.length);
    assert.notEqual(manifestRoots(found).sha256, roots.sha256, `change ${i}, ${name}`);
    assert.notEqual(manifestRoots(found).sm3, roots.sm3, `change ${i}, ${name}`);
    if (i % 10 === 0) {
      const quick = compareManifests(sealed, await readSha256Manifest(folder.path));
      assert.deepEqual(quick, change.told, `change ${i}, ${name}, by SHA-256 alone`);
    }
    await change.undo();
  }
  assert.deepEqual(await readManifest(folder.path), sealed);
});

test("a byte of each file", {
  skip: isLong ? false : "it is for many files: set CUPEL_LONG_TESTS",
}, async () => {
  await using folder = await openTemporaryFolder("attest");
  const random = createRandom(18);
  const entries = drawFolder(random, fileCount);
  await writeEntries(folder.path, entries);
  const sealed = await readManifest(folder.path);
  const files = entries.filter(({ kind, content }) => kind === "file" && content?.length);
  assert.ok(files.length > fileCount / 2);
  for (let from = 0; from < files.length; from += 20) {
    const some = files.slice(from, from + 20);
    for (const { path } of some) {
      const bytes = await readFile(join(folder.path, path));
      bytes[random.integer(bytes.length)]! ^= 1 + random.integer(255);
      await overwrite(join(folder.path, path), bytes);
    }
    const told = compareManifests(sealed, await readManifest(folder.path));
    assert.deepEqual(
      told.map(({ kind, path }) => `${kind} ${path}`).sort(),
      some.map(({ path }) => `changed ${path}`).sort(),
    );
    for (const { path, content = "" } of some) await writeFile(join(folder.path, path), content);
  }
});
