/** What is wrong with a package that is about to be published. Looks at what npm would pack, and at nothing else. */

/** One file of the tarball. */
export interface PackedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface PackedManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly repository?: { readonly url: string };
  readonly engines?: { readonly node?: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
}

export interface PackedPackage {
  readonly manifest: PackedManifest;
  readonly files: readonly PackedFile[];
}

export interface FindingOptions {
  /** The versions of all packages that are published together, by name. */
  readonly versions: ReadonlyMap<string, string>;
  /** Folders of this machine whose names must not be published. */
  readonly machineFolders: readonly string[];
}

/** One rule; what it finds are sentences that name the place. */
type Rule = (packed: PackedPackage, options: FindingOptions) => readonly string[];

const exactVersion = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const testFile = /(^|\/)(tests?|fixtures?|__tests__)\/|\.(test|spec)\.[cm]?[jt]sx?$/;
const sourceFile = /(?<!\.d)\.tsx?$|\.tsbuildinfo$|\.map$/;

const rules: Readonly<Record<string, Rule>> = {
  metadata({ manifest }) {
    const wanted = ["license", "description", "keywords", "repository"] as const;
    return wanted.filter((key) => !manifest[key]?.toString()).map((key) => `package.json has no "${key}"`);
  },
  specifiers({ manifest }, { versions }) {
    const all = { ...manifest.dependencies, ...manifest.optionalDependencies };
    return Object.entries(all).flatMap(([name, specifier]) => {
      if (!exactVersion.test(specifier)) return [`depends on ${name} as "${specifier}": no exact version`];
      const together = versions.get(name);
      if (together !== undefined && together !== specifier) {
        return [`depends on ${name} ${specifier}, which is published as ${together}`];
      }
      return together === undefined && name.startsWith("@cupel/")
        ? [`depends on ${name}, which is not published`]
        : [];
    });
  },
  scripts({ manifest }) {
    return Object.keys(manifest.scripts ?? {}).map((name) => `has a script "${name}"`);
  },
  node({ manifest }) {
    return manifest.os === undefined && manifest.engines?.node === undefined
      ? ["does not say which Node.js"]
      : [];
  },
  contents({ files }) {
    const paths = files.map(({ path }) => path);
    const missing = ["LICENSE", "README.md", "package.json"].filter((path) => !paths.includes(path));
    return [
      ...missing.map((path) => `has no ${path}`),
      ...paths.filter((path) => testFile.test(path)).map((path) => `carries a test: ${path}`),
      ...paths.filter((path) => sourceFile.test(path)).map((path) => `carries a source: ${path}`),
    ];
  },
  machine({ files }, { machineFolders }) {
    return files.flatMap(({ path, bytes }) =>
      machineFolders
        .filter((folder) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(folder))
        .map((folder) => `${path} names ${folder}, a folder of this machine`),
    );
  },
};

/** One sentence for each thing that is wrong with one package. */
export function packageFindings(packed: PackedPackage, options: FindingOptions): string[] {
  return Object.values(rules)
    .flatMap((rule) => rule(packed, options))
    .map((finding) => `${packed.manifest.name}: ${finding}`);
}

/** One sentence where the packages are not of one version. Parts of the engine have the engine's. */
export function versionFindings(versions: ReadonlyMap<string, string>): string[] {
  const groups = new Map<string, string[]>();
  for (const [name, version] of versions) {
    if (!name.startsWith("@cupel/engine-")) groups.set(version, [...(groups.get(version) ?? []), name]);
  }
  if (groups.size <= 1) return [];
  return [
    `versions differ: ${[...groups].map(([version, names]) => `${version} of ${names.join(", ")}`).join("; ")}`,
  ];
}
