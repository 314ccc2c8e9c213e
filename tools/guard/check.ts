/**
 * The guard of the house: compares what every source imports and what every manifest declares with the table.
 * Pure: sources, manifests and table in, violations out.
 *
 * - A package imports what its row allows, and `base`; its tests and pages too. A package without a row is refused.
 * - A package is imported by its name, through what its manifest exports: no relative path, no path into its inside.
 * - What is published is imported from `dependencies`; tests, pages and tools may use development dependencies, the
 *   repository's included. What is declared is used.
 * - A name that is computed cannot be checked and is refused. An exception that nothing needs is refused.
 */

import { isBuiltin } from "node:module";
import { dirname, join } from "node:path/posix";
import { own } from "@cupel/base";
import { type Import, importsOf } from "./imports.ts";
import type { Exception, GuardTable } from "./table.ts";

export interface Manifest {
  readonly name?: string | undefined;
  readonly exports?: Readonly<Record<string, unknown>> | undefined;
  readonly dependencies?: Readonly<Record<string, string>> | undefined;
  readonly devDependencies?: Readonly<Record<string, string>> | undefined;
  /** Declared for whoever installs: a platform's binaries, chosen while the program runs. Need not be imported. */
  readonly optionalDependencies?: Readonly<Record<string, string>> | undefined;
  readonly peerDependencies?: Readonly<Record<string, string>> | undefined;
}

/** Paths are relative to the root of the repository, with "/". */
export interface Repository {
  readonly sources: ReadonlyMap<string, string>;
  /** By folder; "" is the root. */
  readonly manifests: ReadonlyMap<string, Manifest>;
}

export type Rule =
  | "no row in the table"
  | "not allowed by the table"
  | "unknown package"
  | "leaves the package"
  | "inside of a package"
  | "undeclared dependency"
  | "development dependency in published code"
  | "unused dependency"
  | "computed name"
  | "unused exception";

export interface Violation {
  readonly rule: Rule;
  /** "model/onnx/src/read.ts:12", or the manifest or table. */
  readonly where: string;
  /** The import or dependency as written. */
  readonly subject: string;
  /** What is wrong and what to do. */
  readonly reason: string;
}

const scope = "@cupel/";

export function violationText({ rule, where, subject, reason }: Violation): string {
  return `${where}: ${subject} (${rule}): ${reason}`;
}

export function checkRepository(repository: Repository, table: GuardTable): readonly Violation[] {
  const check = new Check(repository, table);
  for (const [path, source] of repository.sources) check.source(path, source);
  check.manifests();
  check.exceptions();
  return check.violations;
}

class Check {
  readonly violations: Violation[] = [];
  readonly #repository: Repository;
  readonly #table: GuardTable;
  /** Package names without scope, by folder. */
  readonly #packages = new Map<string, string>();
  /** Dependencies that were imported, by the folder of the manifest that declares them. */
  readonly #used = new Map<string, Set<string>>();
  readonly #usedExceptions = new Set<Exception>();

  constructor(repository: Repository, table: GuardTable) {
    this.#repository = repository;
    this.#table = table;
    for (const [folder, { name }] of repository.manifests) {
      if (folder !== "" && name?.startsWith(scope)) this.#packages.set(folder, name.slice(scope.length));
    }
  }

  source(path: string, source: string): void {
    for (const each of importsOf(path, source)) {
      if (!this.#isExcepted(path, each.specifier)) this.#import(path, each);
    }
  }

  #import(path: string, { form, specifier, line }: Import): void {
    const refuse = (rule: Rule, reason: string) =>
      this.violations.push({
        rule,
        where: `${path}:${line}`,
        subject: form === "path" ? `path "${specifier}"` : `${form} ${JSON.stringify(specifier ?? "...")}`,
        reason,
      });
    if (specifier === null) refuse("computed name", "write the name as a literal, so that it can be checked");
    else if (form === "path" || specifier.startsWith(".")) this.#relative(path, form, specifier, refuse);
    else if (specifier.startsWith("/") || specifier.startsWith("file:"))
      refuse("leaves the package", "an absolute path names a file of one machine");
    else if (specifier.startsWith(scope)) this.#ownPackage(path, specifier, refuse);
    else if (!isBuiltin(specifier)) this.#declared(path, dependencyOf(specifier), refuse);
  }

  #relative(path: string, form: Import["form"], specifier: string, refuse: Refuse): void {
    const target = join(dirname(path), specifier).replace(/\/$/, "");
    const from = this.#folderOf(path);
    const to = this.#folderOf(target);
    if (from === to) return;
    const name = this.#packages.get(to);
    if (name !== undefined) refuse("leaves the package", `import ${scope}${name} by its name`);
    else if (form !== "path")
      refuse("leaves the package", `${to || target} is no package: nothing imports from it`);
    else if (this.#packages.has(from) && !this.#isDevelopment(path, from))
      refuse("leaves the package", `${target} is not published with ${scope}${this.#packages.get(from)}`);
  }

  /** A package of the repository, by its name. */
  #ownPackage(path: string, specifier: string, refuse: Refuse): void {
    const dependency = dependencyOf(specifier);
    const name = dependency.slice(scope.length);
    const own = this.#packages.get(this.#folderOf(path));
    if (!this.#isAllowed(path, name, refuse)) return;
    const manifest = this.#repository.manifests.values().find((each) => each.name === dependency);
    const exported = Object.keys(manifest?.exports ?? {});
    if (!manifest) refuse("unknown package", "no package of the repository has this name");
    else if (!exported.includes(`.${specifier.slice(dependency.length)}`))
      refuse("inside of a package", `${dependency} exports ${exported.join(", ")}`);
    // Folders that are no package have no manifest: the table alone says what they use.
    else if (own !== undefined && own !== name) this.#declared(path, dependency, refuse);
  }

  #isAllowed(path: string, name: string, refuse: Refuse): boolean {
    const { packages, folders } = this.#table;
    const own = this.#packages.get(this.#folderOf(path));
    if (!Object.hasOwn(packages, name)) {
      refuse("unknown package", `${scope}${name} has no row in the table`);
      return false;
    }
    const row = own === undefined ? folders[path.split("/")[0]!] : packages[own];
    if (row === undefined) {
      refuse(
        "no row in the table",
        `${own === undefined ? `the folder of ${path}` : `${scope}${own}`} has none`,
      );
      return false;
    }
    if (name === "base" || name === own || this.#reach(row).has(name)) return true;
    const allowed = [...this.#reach(row)].join(", ") || "nothing but base";
    refuse("not allowed by the table", `${own ?? path.split("/")[0]} may import ${allowed}`);
    return false;
  }

  /** Everything the names lead to. */
  #reach(names: readonly string[], found = new Set<string>()): ReadonlySet<string> {
    for (const name of names) {
      if (found.has(name)) continue;
      found.add(name);
      this.#reach(own(this.#table.packages, name) ?? [], found);
    }
    return found;
  }

  #declared(path: string, dependency: string, refuse: Refuse): void {
    const place = this.#folderOf(path);
    const folder = this.#packages.has(place) ? place : "";
    const manifest = this.#repository.manifests.get(folder) ?? {};
    const isDevelopment = folder === "" || this.#isDevelopment(path, folder);
    const isPublished = [
      manifest.dependencies,
      manifest.optionalDependencies,
      manifest.peerDependencies,
    ].some((each) => dependency in (each ?? {}));
    if (isPublished) {
      // What only tests import belongs under devDependencies, so that nobody installs it in vain.
      if (!isDevelopment || folder === "") this.#use(folder, dependency);
    } else if (dependency in (manifest.devDependencies ?? {})) {
      if (isDevelopment) this.#use(folder, dependency);
      else refuse("development dependency in published code", "move it to dependencies");
    } else if (isDevelopment && dependency in (this.#repository.manifests.get("")?.devDependencies ?? {})) {
      this.#use("", dependency);
    } else {
      refuse("undeclared dependency", `declare ${dependency} in ${manifestPath(folder)}`);
    }
  }

  #use(folder: string, dependency: string): void {
    const used = this.#used.get(folder);
    if (used) used.add(dependency);
    else this.#used.set(folder, new Set([dependency]));
  }

  manifests(): void {
    for (const [folder, manifest] of this.#repository.manifests) {
      const name = this.#packages.get(folder);
      if (name !== undefined && !Object.hasOwn(this.#table.packages, name))
        this.violations.push({
          rule: "no row in the table",
          where: manifestPath(folder),
          subject: `${scope}${name}`,
          reason: "say in the table which packages it may import",
        });
      for (const kind of ["dependencies", "devDependencies"] as const) {
        for (const dependency of Object.keys(manifest[kind] ?? {})) {
          if (this.#used.get(folder)?.has(dependency)) continue;
          if (Object.hasOwn(this.#table.keptDependencies, dependency)) continue;
          this.violations.push({
            rule: "unused dependency",
            where: manifestPath(folder),
            subject: `${kind} "${dependency}"`,
            reason:
              kind === "dependencies" && folder !== ""
                ? "no published file imports it: remove it, or declare it under devDependencies"
                : "nothing imports it: remove it",
          });
        }
      }
    }
  }

  exceptions(): void {
    for (const each of this.#table.exceptions) {
      if (this.#usedExceptions.has(each)) continue;
      this.violations.push({
        rule: "unused exception",
        where: "tools/guard/table.ts",
        subject: `${each.files} imports ${each.specifier ?? "a computed name"}`,
        reason: "no file needs it any more: remove it",
      });
    }
  }

  #isExcepted(path: string, specifier: string | null): boolean {
    const found = this.#table.exceptions.find(
      ({ files, specifier: allowed }) =>
        allowed === specifier && (files.endsWith("/") ? path.startsWith(files) : path === files),
    );
    if (!found) return false;
    this.#usedExceptions.add(found);
    // The dependency is used all the same.
    if (specifier !== null) this.#use(this.#folderOf(path), dependencyOf(specifier));
    return true;
  }

  /** The folder of the package a path is in; a folder that is no package gives its first name, the root "". */
  #folderOf(path: string): string {
    for (let folder = path; folder !== "."; folder = dirname(folder)) {
      if (this.#packages.has(folder)) return folder;
    }
    const [first = "", ...rest] = path.split("/");
    return rest.length > 0 && Object.hasOwn(this.#table.folders, first) ? first : "";
  }

  #isDevelopment(path: string, folder: string): boolean {
    const [first = ""] = path.slice(folder.length + 1).split("/");
    return this.#table.developmentFolders.includes(first);
  }
}

type Refuse = (rule: Rule, reason: string) => void;

/** "@scope/name" or "name" of an import of it or of a path in it. */
function dependencyOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function manifestPath(folder: string): string {
  return folder === "" ? "package.json" : `${folder}/package.json`;
}
