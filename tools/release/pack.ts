/** Packs built packages into tarballs, and reads what npm would publish of them. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { npm } from "./npm.ts";
import type { PackedManifest, PackedPackage } from "./package-findings.ts";

export interface Tarball extends PackedPackage {
  /** Path of the .tgz. */
  readonly path: string;
  /** Bytes of the .tgz, and of what it holds. */
  readonly size: number;
  readonly unpackedSize: number;
}

/** As far as it is read here. */
interface PackResult {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** @param into the folder of the tarballs, made where it is missing */
export function pack(folder: string, into: string): Tarball {
  mkdirSync(into, { recursive: true });
  const [packed]: PackResult[] = JSON.parse(
    npm(["pack", folder, "--json", "--pack-destination", into], { cwd: into }),
  );
  if (packed === undefined) throw new Error(`npm pack ${folder} packed nothing.`);
  const manifest: PackedManifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return {
    path: join(into, packed.filename.replace("@", "").replace("/", "-")),
    size: packed.size,
    unpackedSize: packed.unpackedSize,
    manifest,
    files: packed.files.map(({ path }) => ({ path, bytes: readFileSync(join(folder, path)) })),
  };
}
