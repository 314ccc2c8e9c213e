/**
 * Everything that can happen to a folder, made on the disk: what was done, as the differences must tell it, and how it is
 * undone. Of `drawFolder`'s folders.
 */
import { chmod, mkdir, rename, rm, rmdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "@cupel/base";
import { writeEntries, writeEntry } from "./model-folder.ts";
import type { ReferenceEntry } from "./reference-root.ts";

/** What was done, as the differences must tell it, and how it is undone. */
export interface Change {
  readonly told: readonly object[];
  undo(): Promise<void>;
}

export type Draw = (
  one: (kind: ReferenceEntry["kind"]) => ReferenceEntry,
  random: Random,
  root: string,
) => Promise<Change>;

/** Content, and the times that a careful attacker would set back. */
export async function overwrite(path: string, content: Uint8Array): Promise<void> {
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

export const changes: Readonly<Record<string, Draw>> = {
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
