/** Environments of the services of a Compose file (the Compose Specification): `environment` as a list or a mapping, and `env_file`. */
import { parseDotenv } from "../posix/dotenv.ts";
import { invalidSource, type ParsedSource, type Statement } from "../statement.ts";
import { isMapping, mappingAt, textAt, valueAt, yamlMappings } from "./yaml-documents.ts";

export interface ComposeService extends ParsedSource {
  readonly scope: string;
}

/**
 * @param readFile gives the text of a file that the document names, by its path there; null where there is none
 * @throws ENV_SOURCE_INVALID, what `readFile` throws
 */
export async function parseCompose(
  text: string,
  where: string,
  readFile: (path: string) => Promise<string | null>,
): Promise<ComposeService[]> {
  const services = yamlMappings(text, where).flatMap((document) =>
    Object.entries(mappingAt(document, "services")),
  );
  if (services.length === 0) throw invalidSource(where, null, 'it has no "services": it is no Compose file');
  const found: ComposeService[] = [];
  for (const [name, service] of services) {
    const remarks: string[] = [];
    if (valueAt(service, "extends") !== undefined) {
      remarks.push(`The service ${name} extends another, whose variables are not read.`);
    }
    const statements: Statement[] = [];
    for (const { path, isRequired, isRaw } of envFilesOf(service, where)) {
      const content = await readFile(path);
      if (content !== null) {
        const parsed = isRaw ? parseRaw(content) : parseDotenv(content, { expands: true });
        // Lines are those of the other file.
        statements.push(...parsed.statements.map((statement) => ({ ...statement, line: null })));
      } else if (isRequired)
        throw invalidSource(where, null, `the service ${name} needs the file ${path}, which is not there`);
    }
    statements.push(...environmentOf(valueAt(service, "environment"), `${where}, service ${name}`));
    found.push({ scope: `service ${name}`, statements, remarks });
  }
  return found;
}

interface EnvFile {
  readonly path: string;
  readonly isRequired: boolean;
  readonly isRaw: boolean;
}

function envFilesOf(service: unknown, where: string): EnvFile[] {
  const value = valueAt(service, "env_file");
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map((entry: unknown) => {
    const path = typeof entry === "string" ? entry : textAt(entry, "path");
    if (path === null) throw invalidSource(where, null, "an entry of env_file has no path");
    return {
      path,
      isRequired: valueAt(entry, "required") !== false,
      isRaw: textAt(entry, "format") === "raw",
    };
  });
}

/** As `docker run --env-file` has it: what follows the "=" is the value, quotes and all. */
function parseRaw(text: string): { readonly statements: readonly Statement[] } {
  const statements = text.split(/\r?\n/).flatMap((content): Statement[] => {
    if (/^\s*(#|$)/.test(content)) return [];
    const equals = content.indexOf("=");
    const name = (equals < 0 ? content : content.slice(0, equals)).trim();
    return equals < 0
      ? [passedOn(name)]
      : [{ kind: "set", name, line: null, value: content.slice(equals + 1) }];
  });
  return { statements };
}

function environmentOf(value: unknown, where: string): Statement[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    return value.map((entry: unknown) => {
      if (typeof entry !== "string") throw invalidSource(where, null, "an entry of environment is no text");
      const equals = entry.indexOf("=");
      return equals < 0 ? passedOn(entry) : interpolated(entry.slice(0, equals), entry.slice(equals + 1));
    });
  }
  if (!isMapping(value)) throw invalidSource(where, null, "environment is neither a list nor a mapping");
  return Object.entries(value).map(([name, each]) => {
    if (each === null) return passedOn(name);
    if (typeof each === "object")
      throw invalidSource(where, null, `the value of ${name} is neither a text nor a number`);
    return interpolated(name, String(each));
  });
}

function passedOn(name: string): Statement {
  return { kind: "computed", name, line: null, why: "it is taken from the environment around" };
}

/** What is interpolated comes first from the shell that runs Compose: no file says what is in that. */
function interpolated(name: string, text: string): Statement {
  if (/\$[A-Za-z_{]/.test(text.replaceAll("$$", ""))) {
    return { kind: "computed", name, line: null, why: "it refers to variables around" };
  }
  return { kind: "set", name, line: null, value: text.replaceAll("$$", "$") };
}
