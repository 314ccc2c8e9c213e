/**
 * The package.json that is published, from the one in the repository: JavaScript and declarations in the place of
 * TypeScript, the Node.js it needs, where it comes from, and the cut engine in the place of the whole one.
 */
import type { Manifest } from "./workspace-packages.ts";

/** What all packages say alike: from the root's package.json. */
export interface Project {
  readonly author: string;
  readonly homepage: string;
  readonly repository: { readonly type: string; readonly url: string };
  readonly bugs: { readonly url: string };
}

/** The engine's package in the repository, and the packages it is cut into, by name. */
export interface EngineSubstitution {
  readonly whole: string;
  readonly version: string;
  readonly parts: readonly string[];
}

export interface PublishedOptions {
  /** The package's folder in the repository. */
  readonly folder: string;
  readonly project: Project;
  readonly minimumNode: number;
  readonly engine: EngineSubstitution;
}

interface Built {
  readonly types: string;
  readonly default: string;
}

export type PublishedManifest = Omit<Manifest, "exports"> &
  Project & {
    readonly engines: { readonly node: string };
    readonly exports: Readonly<Record<string, Built | Readonly<Record<string, Built>>>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly publishConfig: { readonly access: "public" };
  };

export function publishedManifest(source: Manifest, options: PublishedOptions): PublishedManifest {
  const { project, engine } = options;
  const { name, version, description, keywords, license, type, bin } = source;
  const dependencies = Object.entries(source.dependencies ?? {});
  const runsEngine = dependencies.some(([dependency]) => dependency === engine.whole);
  return {
    name,
    version,
    ...(description === undefined ? {} : { description }),
    ...(keywords === undefined ? {} : { keywords }),
    author: project.author,
    ...(license === undefined ? {} : { license }),
    homepage: project.homepage,
    repository: { ...project.repository, ...{ directory: options.folder } },
    bugs: project.bugs,
    ...(type === undefined ? {} : { type }),
    engines: { node: `>=${options.minimumNode}` },
    exports: Object.fromEntries(
      Object.entries(source.exports ?? {}).map(([subpath, target]) => [
        subpath,
        typeof target === "string"
          ? builtFrom(target)
          : Object.fromEntries(
              Object.entries(target).map(([condition, path]) => [condition, builtFrom(path)]),
            ),
      ]),
    ),
    ...(bin === undefined ? {} : { bin }),
    files: [...(source.files ?? ["src"]), "NOTICE"],
    publishConfig: { access: "public" },
    dependencies: Object.fromEntries(dependencies.filter(([dependency]) => dependency !== engine.whole)),
    ...(runsEngine
      ? { optionalDependencies: Object.fromEntries(engine.parts.map((part) => [part, engine.version])) }
      : {}),
  };
}

function builtFrom(path: string): Built {
  const stem = path.replace(/\.ts$/, "");
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}
