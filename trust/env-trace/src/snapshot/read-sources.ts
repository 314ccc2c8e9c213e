/**
 * Reads sources of variables from the disk and from processes, and makes of all of them the environments that they come to. The
 * values are in what is returned: it is for `takeSnapshot` and for the graph, and is written nowhere.
 */
import type { Stats } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { openRegular, reasonOf, starPattern } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import { parseCompose } from "./container/compose.ts";
import { parseDockerfile } from "./container/dockerfile.ts";
import { parseKubernetes } from "./container/kubernetes.ts";
import { parseProcEnviron } from "./live/proc-environ.ts";
import { parseDotenv } from "./posix/dotenv.ts";
import { parsePamEnvironment } from "./posix/pam-environment.ts";
import { parseProfile } from "./posix/profile.ts";
import { parseSystemdEnvFile } from "./posix/systemd-env-file.ts";
import { parseUnit } from "./posix/systemd-unit.ts";
import { type SourceKindName, type SourceReference, sourceKinds } from "./source-kinds.ts";
import { posixText, windowsText } from "./source-text.ts";
import { invalidSource, type ParsedSource, type Statement } from "./statement.ts";
import { parseRegFile } from "./windows/reg-file.ts";
import { parseRegQuery } from "./windows/reg-query.ts";
import { foldName, joinRegistry, type OriginValue } from "./windows/windows-environment.ts";

/** Bytes of a source. It is parsed in memory. */
const mostSourceBytes = 2 ** 26;

/** Of what is no container: all such sources come to one environment. */
export const mainScope = "environment";

export interface ReadOptions {
  /** Of files from Windows that are neither UTF-8 nor UTF-16; a label of the Encoding Standard. */
  readonly codePage?: string | undefined;
  /** What REG_EXPAND_SZ may refer to and the registry does not have, such as SystemRoot. */
  readonly assumed?: ReadonlyMap<string, string> | undefined;
  /** Where the absolute paths of `EnvironmentFile=` begin. Default "/". */
  readonly root?: string | undefined;
  /** Default: that of this process. */
  readonly own?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface ReadEnvironment {
  readonly scope: string;
  /** Under the name as it is compared. */
  readonly variables: ReadonlyMap<string, OriginStatement>;
}

export type OriginStatement = Statement & { readonly source: number };

export interface EnvironmentReading {
  readonly sources: readonly SourceReference[];
  /** Whether names that differ by case are one. */
  readonly isCaseBlind: boolean;
  readonly environments: readonly ReadEnvironment[];
  readonly remarks: readonly string[];
}

/**
 * @param references in their order: of one name the later source counts
 * @throws ENV_SOURCE_INVALID, ENV_SOURCE_UNREADABLE, ENV_SOURCE_TOO_LARGE, ENV_SOURCE_ENCODING, ENV_PROCESS_GONE, ENV_PROCESS_DENIED
 */
export async function readSources(
  references: readonly SourceReference[],
  options: ReadOptions = {},
): Promise<EnvironmentReading> {
  const reading = new Reading(references, options);
  for (const [source, { kind, place }] of references.entries()) {
    reading.remarksOf(place, await readers[kind](reading, place, source));
  }
  return reading.result();
}

/** @returns remarks */
type Reader = (reading: Reading, place: string, source: number) => Promise<readonly string[]>;

const textReader =
  (parse: (text: string, where: string) => ParsedSource): Reader =>
  async (reading, path, source) => {
    const { statements, remarks } = parse(posixText(await readFileOf(path)), path);
    reading.put(mainScope, statements, source);
    return remarks;
  };

const readers: Readonly<Record<SourceKindName, Reader>> = {
  environment: textReader(parsePamEnvironment),
  profile: textReader(parseProfile),
  dotenv: textReader((text) => parseDotenv(text)),
  dockerfile: textReader(parseDockerfile),
  systemd: readUnit,
  async kubernetes(reading, path, source) {
    reading.manifests.push({ where: path, text: posixText(await readFileOf(path)), source });
    return [];
  },
  async compose(reading, path, source) {
    const beside = async (name: string) => {
      const file = resolve(dirname(path), name);
      return await readFileOf(file).then(posixText, nullWhereMissing);
    };
    const services = await parseCompose(posixText(await readFileOf(path)), path, beside);
    for (const { scope, statements } of services) reading.put(scope, statements, source);
    return services.flatMap(({ remarks }) => remarks);
  },
  async registry(reading, path, source) {
    const bytes = await readFileOf(path);
    // Only REGEDIT4 has a code page, also within its bytes.
    const { codePage } = reading.options;
    const { values, remarks } = parseRegFile(windowsText(bytes, path, codePage), path, codePage);
    reading.registry.push(...values.map((value) => ({ ...value, source })));
    return remarks;
  },
  async "reg-query"(reading, path, source) {
    const { values, remarks } = parseRegQuery(
      windowsText(await readFileOf(path), path, reading.options.codePage),
      path,
    );
    reading.registry.push(...values.map((value) => ({ ...value, source })));
    return remarks;
  },
  async process(reading, place, source) {
    const bytes = await readProcess(place);
    const { statements, remarks } = parseProcEnviron(bytes);
    bytes.fill(0);
    reading.put(mainScope, statements, source);
    return remarks;
  },
  async self(reading, _place, source) {
    const entries = Object.entries(reading.options.own ?? process.env);
    const statements = entries.flatMap(([name, value]): Statement[] =>
      value === undefined ? [] : [{ kind: "set", name, value, line: null }],
    );
    reading.put(mainScope, statements, source);
    return [];
  },
};

class Reading {
  readonly options: ReadOptions;
  /** Taken together when all are read: they refer to each other. */
  readonly registry: OriginValue[] = [];
  readonly manifests: { where: string; text: string; source: number }[] = [];
  readonly #references: readonly SourceReference[];
  readonly #isCaseBlind: boolean;
  readonly #environments = new Map<string, Map<string, OriginStatement>>();
  readonly #remarks: string[] = [];

  constructor(references: readonly SourceReference[], options: ReadOptions) {
    this.options = options;
    this.#references = references;
    this.#isCaseBlind =
      references.some(({ kind }) => kind === "registry" || kind === "reg-query") ||
      (process.platform === "win32" && references.some(({ kind }) => kind === "self"));
  }

  put(scope: string, statements: readonly Statement[], source: number): void {
    for (const statement of statements) this.#putOne(scope, { ...statement, source });
  }

  unset(scope: string, name: string, value: string | null): void {
    const variables = this.#environments.get(scope);
    const found = variables?.get(name);
    if (value === null || (found?.kind === "set" && found.value === value)) variables?.delete(name);
  }

  #putOne(scope: string, statement: OriginStatement): void {
    let variables = this.#environments.get(scope);
    if (variables === undefined) {
      variables = new Map();
      this.#environments.set(scope, variables);
    }
    const key = this.#isCaseBlind ? foldName(statement.name) : statement.name;
    variables.delete(key);
    if (statement.kind !== "unset") variables.set(key, statement);
  }

  remarksOf(place: string, remarks: readonly string[]): void {
    this.#remarks.push(
      ...remarks.map((remark) => (remark.startsWith(place) ? remark : `${place}: ${remark}`)),
    );
  }

  result(): EnvironmentReading {
    for (const statement of joinRegistry(this.registry, this.options.assumed ?? new Map())) {
      this.#putOne(mainScope, statement);
    }
    for (const { scope, source, statements, remarks } of parseKubernetes(this.manifests)) {
      const manifest = this.manifests[source];
      if (manifest === undefined) continue;
      this.#environments.set(scope, new Map());
      this.put(scope, statements, manifest.source);
      this.#remarks.push(...remarks);
    }
    return {
      sources: this.#references,
      isCaseBlind: this.#isCaseBlind,
      environments: [...this.#environments].map(([scope, variables]) => ({ scope, variables })),
      remarks: this.#remarks,
    };
  }
}

async function readUnit(reading: Reading, path: string, source: number): Promise<readonly string[]> {
  const texts = [{ where: path, text: posixText(await readFileOf(path)) }];
  const folder = `${path}.d`;
  const dropIns = await readdir(folder).catch(() => []);
  for (const name of dropIns.filter((each) => each.endsWith(".conf")).sort()) {
    const where = join(folder, name);
    texts.push({ where, text: posixText(await readFileOf(where)) });
  }
  const { statements, files, unset, remarks } = parseUnit(texts);
  reading.put(mainScope, statements, source);
  const more: string[] = [];
  for (const { path: pattern, isOptional, line } of files) {
    if (!pattern.startsWith("/") || /%[^%]/.test(pattern.replaceAll("%%", ""))) {
      more.push(`Line ${line}: the file ${pattern} is not read: its path depends on the manager.`);
      continue;
    }
    const place = join(reading.options.root ?? "/", pattern);
    const found = await filesLike(place);
    if (found === null) {
      more.push(
        `Line ${line}: the files like ${pattern} are not read: only * in the name of a file is understood.`,
      );
      continue;
    }
    for (const file of found) {
      const bytes = isOptional ? await readFileOf(file).catch(nullWhereMissing) : await readFileOf(file);
      if (bytes === null) continue;
      const parsed = parseSystemdEnvFile(posixText(bytes));
      reading.put(
        mainScope,
        parsed.statements.map((statement) => ({ ...statement, line: null })),
        source,
      );
      more.push(...parsed.remarks.map((remark) => `${file}: ${remark}`));
    }
    if (found.length === 0 && !isOptional) throw invalidSource(path, line, `no file is like ${pattern}`);
  }
  for (const { name, value } of unset) reading.unset(mainScope, name, value);
  return [...remarks, ...more];
}

/** In the order of their names. Null for a pattern that is not understood. */
async function filesLike(path: string): Promise<string[] | null> {
  const folder = dirname(path);
  if (/[?[]/.test(path) || folder.includes("*")) return null;
  if (!path.includes("*")) return [path];
  const isLike = starPattern(basename(path));
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => isLike(name) && !name.startsWith("."))
    .sort()
    .map((name) => join(folder, name));
}

/** @throws ENV_PROCESS_GONE, ENV_PROCESS_DENIED, ENV_SOURCE_UNREADABLE */
async function readProcess(pid: string): Promise<Buffer> {
  try {
    return await readFile(`/proc/${pid}/environ`);
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "EACCES" || code === "EPERM") {
      throw envTraceErrors.error(
        "ENV_PROCESS_DENIED",
        `The environment of process ${pid} may be read by its owner and by root only.`,
        {
          cause: thrown,
          details: { pid },
        },
      );
    }
    // It ended before it was opened, or while it was read.
    if (process.platform === "linux" && (code === "ENOENT" || code === "ESRCH")) {
      throw envTraceErrors.error(
        "ENV_PROCESS_GONE",
        `There is no process ${pid}: it has ended, or never was.`,
        { cause: thrown, details: { pid } },
      );
    }
    throw unreadable(`/proc/${pid}/environ`, thrown);
  }
}

/** @throws ENV_SOURCE_UNREADABLE, ENV_SOURCE_TOO_LARGE */
async function readFileOf(path: string): Promise<Buffer> {
  let found: Stats;
  try {
    await using file = await openRegular(path);
    found = await file.stat();
    if (found.size <= mostSourceBytes) return await file.readFile();
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
  throw envTraceErrors.error(
    "ENV_SOURCE_TOO_LARGE",
    `${basename(path)} has ${found.size} bytes; a source may have ${mostSourceBytes}.`,
    {
      details: { source: path, bytes: found.size, limit: mostSourceBytes },
    },
  );
}

function unreadable(path: string, thrown: unknown) {
  return envTraceErrors.error("ENV_SOURCE_UNREADABLE", `${path} cannot be read: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { source: path },
  });
}

/** @throws what it is given, where something else is wrong */
function nullWhereMissing(thrown: unknown): null {
  const cause = thrown instanceof Error ? thrown.cause : null;
  if (codeOf(cause) === "ENOENT") return null;
  throw thrown;
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : null;
}

export function stateOf(sources: readonly SourceReference[]): "persistent" | "live" | "mixed" {
  const states = new Set(sources.map(({ kind }) => sourceKinds[kind].state));
  const [state] = states;
  return states.size === 1 && state !== undefined ? state : "mixed";
}
