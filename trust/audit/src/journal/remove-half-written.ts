/** Copies that a writer which was killed left half written under temporary names. What they were copied from is still there. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { removePartial } from "@cupel/base";

/** `.NAME.MARK.RANDOM.partial`, see base's `temporaryBeside`. */
const form = /^\.(.+)\.[^.]+\.[^.]+\.partial$/;

export async function removeHalfWritten(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const targets = new Set(names.map((name) => form.exec(name)?.[1]).filter((name) => name !== undefined));
  for (const target of targets) await removePartial(join(folder, target));
}
