/**
 * Nothing happens to a folder unseen: changes are drawn at random, made on the disk, and each must be found by its name
 * and kind, with nothing else, and move both roots. A folder of 120 files and 60 changes; with CUPEL_LONG_TESTS 1,000 files, 240
 * changes, and a byte of each file.
 */
import assert from "node:assert/strict";
import {
  chmod,
  mkdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, openTemporaryFolder, type Random } from "@cupel/base";
import {
  compareManifests,
  describeDifference,
  manifestRoots,
  readManifest,
  readSha256Manifest,
} from "../../src/index.ts";
import { drawFolder, writeEntries, writeEntry } from "../support/model-folder.ts";
import { type ReferenceEntry, referenceRoots } from "../support/reference-root.ts";

const isLong = process.env.CUPEL_LONG_TESTS !== undefined;
const [fileCount, changeCount] = isLong ? [1000, 240] : [120, 60];

/** What was done, as the differences must tell it, and how it is undone. */
interface Change {
  readonly told: readonly object[];
  undo(): Promise<void>;
}

type Draw = (
  one: (kind: ReferenceEntry["kind"]) => ReferenceEntry,
  random: Random,
  root: string,
) => Promise<Change>;

/** Content, and the times that a careful attacker would set back. */
async function overwrite(path: string, content: Uint8Array): Promise<void> {
  const { atime, mtime } = await stat(path);
  await writeFile(path, content);
  await utimes(path, atime, mtime);
}

const filled = (draw: () => ReferenceEntry): ReferenceEntry & { content: Buffer } => {
  for (;;) {
    const { content, ...entry } = draw();
    if (content?.length) return { ...entry, content: Buffer.from(content) };
  }
};

const changes: Readonly<Record<string, Draw>> = {
  async byte(one, random, root) {
    const { path, content } = filled(() => one("file"));
    const changed = Buffer.from(content);
    changed[random.integer(changed.length)]! ^= 1 << random.integer(8);
    await overwrite(join(root, path), changed);
    return {
      told: [{ kind: "changed", path, size: content.length, expectedSize: content.length, contentOf: null }],
      undo: () => writeFile(join(root, path), content),
    };
  },
  async length(one, random, root) {
    const { path, content } = filled(() => one("file"));
    const size = random.integer(2) ? content.length + 1 : content.length - 1;
    await overwrite(join(root, path), Buffer.concat([content, Buffer.of(0)]).subarray(0, size));
    return {
      told: [{ kind: "changed", path, size, expectedSize: content.length, contentOf: null }],
      undo: () => writeFile(join(root, path), content),
    };
  },
  async added(one, _, root) {
    const path = `${one("file").path}.new`;
    await writeFile(join(root, path), "");
    return { told: [{ kind: "added", path, entry: "file" }], undo: () => rm(join(root, path)) };
  },
  async addedInEmptyFolder(one, _, root) {
    const path = `${one("folder").path}/new`;
    await writeFile(join(root, path), "");
    return { told: [{ kind: "added", path, entry: "file" }], undo: () => rm(join(root, path)) };
  },
  async addedFolder(one, _, root) {
    const path = `${one("file").path}.folder`;
    await mkdir(join(root, path));
    return { told: [{ kind: "added", path, entry: "folder" }], undo: () => rmdir(join(root, path)) };
  },
  async removed(one, random, root) {
    const entry = one((["file", "link", "folder"] as const)[random.integer(3)]!);
    await rm(join(root, entry.path), { recursive: true });
    return {
      told: [{ kind: "removed", path: entry.path, entry: entry.kind }],
      undo: () => writeEntry(root, entry),
    };
  },
  async renamed(one, _, root) {
    const { path: expectedPath } = filled(() => one("file"));
    const path = `${expectedPath.replace(/[^/]*$/, "")}Renamed.bin`;
    await rename(join(root, expectedPath), join(root, path));
    return {
      told: [{ kind: "renamed", path, expectedPath }],
      undo: () => rename(join(root, path), join(root, expectedPath)),
    };
  },
  async recased(one, random, root) {
    const { path: expectedPath } = one(random.integer(2) ? "file" : "folder");
    const name = expectedPath.split("/").at(-1)!;
    const path = expectedPath.replace(/[^/]*$/, name.toUpperCase());
    await rename(join(root, expectedPath), join(root, path));
    return {
      told: [{ kind: "recased", path, expectedPath }],
      undo: () => rename(join(root, path), join(root, expectedPath)),
    };
  },
  async swapped(one, _, root) {
    const first = filled(() => one("file"));
    let second = filled(() => one("file"));
    while (second.path === first.path) second = filled(() => one("file"));
    await overwrite(join(root, first.path), second.content);
    await overwrite(join(root, second.path), first.content);
    const told = [
      [first, second],
      [second, first],
    ].map(([at, from]) => ({
      kind: "changed",
      path: at!.path,
      size: from!.content.length,
      expectedSize: at!.content.length,
      contentOf: from!.path,
    }));
    return {
      told: told.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))),
      undo: () => writeEntries(root, [first, second]),
    };
  },
  async mode(one, _, root) {
    const entry = one("file");
    const executable = !entry.executable;
    await chmod(join(root, entry.path), executable ? 0o744 : 0o655);
    return { told: [{ kind: "mode", path: entry.path, executable }], undo: () => writeEntry(root, entry) };
  },
  async target(one, _, root) {
    const link = one("link");
    await rm(join(root, link.path));
    await symlink("elsewhere", join(root, link.path));
    return {
      told: [{ kind: "target", path: link.path, target: "elsewhere", expectedTarget: String(link.content) }],
      undo: async () => {
        await rm(join(root, link.path));
        await writeEntry(root, link);
      },
    };
  },
  async kind(one, random, root) {
    const file = one("file");
    const path = join(root, file.path);
    await rm(path);
    const becomes = (["link", "folder", "full folder"] as const)[random.integer(3)]!;
    if (becomes === "link") await symlink("nowhere", path);
    else await mkdir(path);
    if (becomes === "full folder") await writeFile(join(path, "inside"), "");
    const entry = becomes === "link" ? "link" : "folder";
    const inside = { kind: "added", path: `${file.path}/inside`, entry: "file" };
    return {
      told: [
        { kind: "kind", path: file.path, entry, expectedEntry: "file" },
        ...(becomes === "full folder" ? [inside] : []),
      ],
      undo: async () => {
        await rm(path, { recursive: true });
        await writeEntry(root, file);
      },
    };
  },
};

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
