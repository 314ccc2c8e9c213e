/**
 * Cuts the engine into one package for each system and processor.
 *
 * onnxruntime-node carries the binaries of all of them, and an install script that wants to download more. A
 * part has the same JavaScript, unchanged, and beside it the binaries of one place only; so it has the same
 * face, and `require` of it runs no script. The licence and the notices of third parties, which the npm
 * package lacks, come from the project's Python package of the same version (engine-notices/).
 */

import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, sep } from "node:path";
import { own } from "@cupel/base";
import type { Project } from "./published-manifest.ts";

/** The package in the repository. */
export const wholeEngine = "onnxruntime-node";

/** One place the engine runs in, as Node.js names it in `process`. */
export interface EnginePlace {
  readonly platform: string;
  readonly arch: string;
  /** Where its binaries are in the engine's package. */
  readonly folder: string;
}

/** Binaries that are not carried on, and the execution providers that do not work without them. */
const leftOut: readonly {
  readonly file: RegExp;
  readonly why: string;
  readonly providers: readonly string[];
}[] = [
  {
    file: /^libonnxruntime\.\d+\.\d+\.\d+\.dylib$/,
    why: "a second copy: the binding asks for libonnxruntime.1.dylib",
    providers: [],
  },
  { file: /^DirectML\.dll$/, why: "for GPUs, and under a licence of its own", providers: ["dml"] },
  { file: /^(dxcompiler|dxil)\.dll$/, why: "for GPUs", providers: ["webgpu"] },
];

export function enginePartName({ platform, arch }: EnginePlace): string {
  return `@cupel/engine-${platform}-${arch}`;
}

/** The places the engine's package has binaries for. @param engine its folder */
export function enginePlaces(engine: string): EnginePlace[] {
  return globSync("bin/napi-v*/*/*", { cwd: engine })
    .map((folder) => {
      const [platform, arch] = folder.split(sep).slice(-2);
      return { platform: platform!, arch: arch!, folder: folder.replaceAll("\\", "/") };
    })
    .sort((one, other) => (enginePartName(one) < enginePartName(other) ? -1 : 1));
}

/** What of a place's binaries is carried on, and which providers are lost with the rest. */
export function keptBinaries(files: readonly string[]): { kept: string[]; lostProviders: string[] } {
  const rows = files.map((file) => ({ file, row: leftOut.find((each) => each.file.test(file)) }));
  return {
    kept: rows.filter(({ row }) => row === undefined).map(({ file }) => file),
    lostProviders: [...new Set(rows.flatMap(({ row }) => row?.providers ?? []))].sort(),
  };
}

export interface EngineManifest {
  readonly version: string;
  readonly license: string;
  readonly main: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The part's package.json. It has no scripts; of the engine's dependencies only its JavaScript's. */
export function enginePartManifest(engine: EngineManifest, place: EnginePlace, project: Project) {
  const common = "onnxruntime-common";
  return {
    name: enginePartName(place),
    version: engine.version,
    description: `ONNX Runtime's binding for Node.js, for ${place.platform} on ${place.arch}, on the CPU: files of ${wholeEngine}.`,
    keywords: ["onnx", "onnxruntime", "inference"],
    author: "Microsoft Corporation",
    license: engine.license,
    homepage: project.homepage,
    repository: project.repository,
    bugs: project.bugs,
    main: "index.js",
    os: [place.platform],
    cpu: [place.arch],
    // The binaries for Linux are linked against glibc; Alpine has another C library.
    ...(place.platform === "linux" ? { libc: ["glibc"] } : {}),
    files: ["index.js", "dist", "bin", "ThirdPartyNotices.txt"],
    publishConfig: { access: "public" },
    dependencies: { [common]: own(engine.dependencies, common) ?? engine.version },
  };
}

/** The part's entry: the engine's own, less the providers whose libraries are not here, which would end the process. */
export function enginePartEntry(lostProviders: readonly string[]): string {
  if (lostProviders.length === 0) return '"use strict";\nmodule.exports = require("./dist/index.js");\n';
  return `"use strict";
const engine = require("./dist/index.js");
const lost = ${JSON.stringify(lostProviders)};
module.exports = {
  ...engine,
  listSupportedBackends: () => engine.listSupportedBackends().filter(({ name }) => !lost.includes(name)),
};
`;
}

/** Writes the part for one place. @param engine the engine's folder. @param notices of LICENSE and ThirdPartyNotices.txt */
export function cutEngine(
  engine: string,
  place: EnginePlace,
  target: string,
  { project, notices }: { readonly project: Project; readonly notices: string },
): void {
  mkdirSync(target, { recursive: true });
  const whole: EngineManifest = JSON.parse(readFileSync(join(engine, "package.json"), "utf8"));
  const binaries = globSync(`${place.folder}/*`, { cwd: engine }).map((path) => basename(path));
  const { kept, lostProviders } = keptBinaries(binaries);
  for (const file of kept) cpSync(join(engine, place.folder, file), join(target, place.folder, file));
  for (const file of globSync("dist/*.js", { cwd: engine })) cpSync(join(engine, file), join(target, file));
  for (const file of ["LICENSE", "ThirdPartyNotices.txt"]) cpSync(join(notices, file), join(target, file));
  const manifest = enginePartManifest(whole, place, project);
  writeFileSync(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(target, "index.js"), enginePartEntry(lostProviders));
  writeFileSync(
    join(target, "README.md"),
    `# ${manifest.name}

${manifest.description}

The files in \`bin/\` and \`dist/\` are those of ${wholeEngine} ${whole.version}, unchanged, without the binaries of other
systems, without libraries for GPUs and without its install script. @cupel/runtime loads this package. Licence: MIT,
in LICENSE; notices of third parties are in ThirdPartyNotices.txt.
`,
  );
}
