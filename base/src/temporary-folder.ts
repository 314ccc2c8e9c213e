/** A folder that goes when its owner does: for what other programs and the engine write to files only. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** In the system's folder for such. @param purpose is part of its name, such as "trace". */
export async function openTemporaryFolder(purpose = "work"): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `cupel-${purpose}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
