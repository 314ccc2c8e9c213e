/** Folders of a model's kind for tests, written from data, so that what should be found is known without reading it. */
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Random } from "@cupel/base";
import type { ReferenceEntry } from "./reference-root.ts";

/** `count` files of 0 to 400 bytes in nested folders, all but the empty ones different; a link and an empty folder a tenth of it. */
export function drawFolder(random: Random, count: number): ReferenceEntry[] {
  const folders = ["", "weights/", "weights/shard-0/", "tokenizer/", "méta/", "𝒳/", "\uffee/"];
  const entries: ReferenceEntry[] = [];
  for (let i = 0; i < count; i++) {
    // The first of each folder is filled, so that each has something.
    const folder = folders[i < folders.length ? i : random.integer(folders.length)]!;
    const content = Buffer.from(Array.from({ length: random.integer(400) }, () => random.integer(256)));
    if (content.length >= 8) content.writeUInt32BE(i);
    const few = content.length < 8 ? Buffer.alloc(0) : content;
    entries.push({ path: `${folder}File${i}.bin`, kind: "file", executable: i % 9 === 0, content: few });
    if (i % 20 === 0) entries.push({ path: `${folder}empty${i}`, kind: "folder" });
    if (i % 20 === 10) {
      entries.push({ path: `${folder}link${i}`, kind: "link", content: Buffer.from(`File${i}.bin`) });
    }
  }
  return entries;
}

export async function writeEntries(folder: string, entries: readonly ReferenceEntry[]): Promise<void> {
  for (const entry of entries) await writeEntry(folder, entry);
}

export async function writeEntry(folder: string, entry: ReferenceEntry): Promise<void> {
  const path = join(folder, entry.path);
  await mkdir(dirname(path), { recursive: true });
  if (entry.kind === "folder") await mkdir(path);
  if (entry.kind === "link") await symlink(String(entry.content), path);
  if (entry.kind !== "file") return;
  await writeFile(path, entry.content ?? "");
  await chmod(path, entry.executable ? 0o755 : 0o644);
}
