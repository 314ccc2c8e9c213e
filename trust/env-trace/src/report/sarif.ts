/** The findings of a trace as SARIF 2.1.0, which code hosts show beside the lines: https://docs.oasis-open.org/sarif/sarif/v2.1.0/ */
import { relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { accessSentence } from "./access-words.ts";
import { accessId, type EnvAccess } from "./accesses.ts";
import { isGrave } from "./lockfile.ts";

const rules = [
  { id: "env-access-new", text: "A package does to the environment what the baseline does not have." },
  {
    id: "env-package-new",
    text: "A package that the older lockfile does not have as it is does something to the environment.",
  },
  { id: "env-access-unlisted", text: "A package does to the environment what the policy does not list." },
  { id: "env-access-denied", text: "A package was kept from what the policy does not list." },
] as const;

type RuleId = (typeof rules)[number]["id"];

export interface SarifOptions {
  /** The folder of the project: paths in it are written relative to it. */
  readonly root: string;
  readonly version: string;
  readonly isNew: (access: EnvAccess) => boolean;
  /** Whether its package is new since the older lockfile. */
  readonly isOfNewPackage: (access: EnvAccess) => boolean;
}

export function sarifOf(
  accesses: readonly EnvAccess[],
  { root, version, isNew, isOfNewPackage }: SarifOptions,
): object {
  const findings = accesses.flatMap((access) => {
    const found: RuleId[] = [];
    if (access.isDenied) found.push("env-access-denied");
    else if (!access.isListed) found.push("env-access-unlisted");
    if (isNew(access)) found.push("env-access-new");
    if (isOfNewPackage(access)) found.push("env-package-new");
    return found.map((ruleId) => ({
      ruleId,
      level: levelOf(ruleId, access),
      message: { text: `${accessSentence(access)}.` },
      partialFingerprints: { "envAccess/v1": accessId(access).replaceAll("\n", " ") },
      ...locationsOf(access, root),
    }));
  });
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "cupel env trace",
            version,
            informationUri: "https://github.com/cupel-vision/cupel",
            rules: rules.map(({ id, text }) => ({ id, shortDescription: { text } })),
          },
        },
        originalUriBaseIds: { ROOT: { uri: `${pathToFileURL(root).href}/` } },
        results: findings,
      },
    ],
  };
}

/** New packages read names that do no harm: those are worth a note. */
function levelOf(ruleId: RuleId, access: EnvAccess): "error" | "warning" | "note" {
  if (access.isTagged) return "error";
  return ruleId === "env-package-new" && !isGrave(access) ? "note" : "warning";
}

function locationsOf({ file, line }: EnvAccess, root: string) {
  if (file === null) return {};
  const path = file.startsWith("file:")
    ? file
    : /^([/\\]|\w:[/\\])/.test(file)
      ? pathToFileURL(file).href
      : null;
  if (path === null) return {};
  const within = relative(pathToFileURL(root).pathname, new URL(path).pathname);
  const isWithin = !within.startsWith("..") && !within.startsWith(sep);
  const artifactLocation = isWithin ? { uri: within.replaceAll(sep, "/"), uriBaseId: "ROOT" } : { uri: path };
  return {
    locations: [
      { physicalLocation: { artifactLocation, ...(line === null ? {} : { region: { startLine: line } }) } },
    ],
  };
}
