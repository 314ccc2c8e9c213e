/** The packages of the repository that are published, found by the workspaces of the root, and their manifests. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** package.json as far as publishing needs it. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly keywords?: readonly string[];
  readonly type?: string;
  /** Each subpath with its TypeScript source, or with one a condition, such as "browser" and "default". */
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  /** Folders that are published; `src` where nothing is said. */
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  /** Relative to the root, such as "model/onnx". */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The packages that are published, in the order of their folders. */
export function workspacePackages(root: string): WorkspacePackage[] {
  const { workspaces }: { workspaces: string[] } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  return globSync(workspaces, { cwd: root })
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => ({ folder: folder.replaceAll("\\", "/"), manifest: readManifest(join(root, folder)) }))
    .filter(({ manifest }) => manifest.private !== true)
    .sort((one, other) => (one.folder < other.folder ? -1 : 1));
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
