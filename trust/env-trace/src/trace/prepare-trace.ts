/** Lays a trace out: a folder with the preload, into which the traced processes write, and the environment to start one in. */
import { existsSync, realpathSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import { type EnvPolicy, openPolicy, taggedNames } from "../policy/env-policy.ts";
import { withOption } from "./preload/inheritance.ts";
import { preloadScript } from "./preload-script.ts";

export interface TraceOptions {
  /** Where the observations go; made where it is not there. */
  readonly folder: string;
  /** Default: nothing is held against anyone. */
  readonly policy?: EnvPolicy;
  /** A folder in the project that is traced. Default: the working directory. */
  readonly project?: string;
}

export interface PreparedTrace {
  readonly folder: string;
  /** The folder of the project. */
  readonly root: string;
  /** NODE_OPTIONS of a process that is to be traced. @param given what it would have */
  nodeOptions(given: string | undefined): string;
}

/** @throws WRITE_FAILED, DISK_FULL, and what the system says where the folder cannot be made */
export async function prepareTrace(options: TraceOptions): Promise<PreparedTrace> {
  const { policy = openPolicy } = options;
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const folder = realpathSync(options.folder);
  const root = await projectFolder(realpathSync(resolve(options.project ?? ".")));
  const file = join(folder, "preload.cjs");
  const option = `--require ${quoted(file)}`;
  const script = await preloadScript({
    folder,
    root,
    option,
    mode: policy.mode,
    denied: policy.denied,
    tagged: [...taggedNames, ...policy.secrets],
    packages: policy.packages === null ? null : [...policy.packages],
  });
  await writeFileAtomically(file, script);
  return { folder, root, nodeOptions: (given) => withOption(option, given === "" ? undefined : given) };
}

/** The nearest folder above with a package.json that has a name or workspaces, else the folder itself. */
async function projectFolder(start: string): Promise<string> {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) {
      const text = await readFile(file, "utf8").catch(() => "");
      if (/"(name|workspaces)"\s*:/.test(text)) return folder;
    }
    if (dirname(folder) === folder) return start;
  }
}

/** As NODE_OPTIONS is read: quoted where it has a space, with backslashes and quotes escaped then. */
function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, "\\$&")}"` : path;
}
