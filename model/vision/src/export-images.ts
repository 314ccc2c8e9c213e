/**
 * Writes a source for people to look at: one PNG for each image, one folder for each class, and the table and
 * class names with which `openImages` reads the same labels.
 *
 * The folder is made under a temporary name and renamed, so that it appears whole or not at all.
 */
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  baseErrors,
  CupelError,
  reasonOf,
  removePartial,
  silentProgress,
  temporaryBeside,
  throwIfCancelled,
  type WorkOptions,
} from "@cupel/base";
import type { ImageSource } from "./image.ts";
import { openPixels, unreadable } from "./tensors/decode.ts";

/**
 * @param folder must not exist yet, or be empty.
 * @throws IMAGES_UNREADABLE, WRITE_FAILED, CANCELLED
 */
export async function exportImages(
  source: ImageSource,
  folder: string,
  options: WorkOptions = {},
): Promise<void> {
  const temporary = temporaryBeside(folder);
  try {
    await checkEmpty(folder);
    await removePartial(folder);
    await mkdir(temporary, { recursive: true });
    await writeImages(source, temporary, options);
    await rename(temporary, folder);
  } catch (thrown) {
    await rm(temporary, { recursive: true, force: true });
    if (thrown instanceof CupelError) throw thrown;
    throw baseErrors.error("WRITE_FAILED", `Could not write images to ${folder}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path: folder },
    });
  }
}

async function checkEmpty(folder: string): Promise<void> {
  const present = await readdir(folder).catch(() => []);
  if (present.length === 0) return;
  throw baseErrors.error(
    "WRITE_FAILED",
    `${folder} is not empty. Choose a new folder: the images in it would be mixed with these.`,
    { details: { path: folder } },
  );
}

async function writeImages(source: ImageSource, folder: string, options: WorkOptions): Promise<void> {
  const { classes, labelled } = source;
  const digits = String(source.length - 1).length;
  const rows = ["file,label"];
  const made = new Set<string>();
  using task = (options.progress ?? silentProgress).start("Writing images", source.length, "images");
  for (let i = 0; i < source.length; i++) {
    throwIfCancelled(options.signal, "Writing images");
    const label = source.label(i);
    const group = label === null ? "" : folderOf(label, classes);
    const file = [...(group === "" ? [] : [group]), `${String(i).padStart(digits, "0")}.png`].join("/");
    if (!made.has(group)) {
      await mkdir(join(folder, group), { recursive: true });
      made.add(group);
    }
    await writeFile(join(folder, file), await pngOf(source, i));
    rows.push(`${file},${label}`);
    task.advance();
  }
  if (classes !== null) await writeFile(join(folder, "classes.txt"), `${classes.join("\n")}\n`);
  if (labelled) await writeFile(join(folder, "labels.csv"), `${rows.join("\n")}\n`);
}

/** Numbered, so that the folders sort as the labels do; the name is made safe for any file system. */
function folderOf(label: number, classes: readonly string[] | null): string {
  const digits = String((classes?.length ?? label + 1) - 1).length;
  const number = String(label).padStart(digits, "0");
  const name = classes?.[label]?.replaceAll(/[^\p{L}\p{N}.-]+/gu, "_").slice(0, 60);
  return name === undefined ? number : `${number}-${name}`;
}

async function pngOf(source: ImageSource, index: number): Promise<Buffer> {
  try {
    const pipeline = await openPixels(await source.image(index));
    return await pipeline.png().toBuffer();
  } catch (thrown) {
    throw unreadable(source.id(index), thrown);
  }
}
