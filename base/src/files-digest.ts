/** One digest for a model and its files of weights: what servers tell, reports name and seals check. */
import { hash } from "node:crypto";

export interface NamedDigest {
  /** Without folders for the first, relative to its folder for the others. */
  readonly file: string;
  /** In hex. */
  readonly sha256: string;
}

/** SHA-256 in hex: that of the file where it is the only one; else of the lines that `sha256sum` prints for all, in their order. */
export function filesDigest(files: readonly NamedDigest[]): string {
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) return only.sha256;
  return hash("sha256", files.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join(""));
}
