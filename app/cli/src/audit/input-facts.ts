/**
 * Which model, which data and which settings, as facts of an event: names without their folders, and digests, so that who has
 * the same bytes can tell that they are the same.
 */
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { type EventFacts, fileDigest } from "@cupel/base";
import { globals } from "../arguments/global-options.ts";
import type { Option } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { recordOptions } from "./record-options.ts";

const dataFacts = [
  "data",
  "labels",
  "training",
  "trainingLabels",
  "evaluation",
  "evaluationLabels",
  "validation",
] as const;

/** Facts that masking leaves as they are. */
export const digestFacts: readonly string[] = [
  "obj.digest",
  "obj.otherDigest",
  "obj.outputDigest",
  "ctx.digest",
  "ctx.settings",
  "ctx.signer",
  ...dataFacts.flatMap((fact) => [`obj.${fact}Digest`, `obj.${fact}Listing`]),
];

/** That of MODEL.LOAD. The server, which makes it, is loaded where there is a record. */
export async function modelDigest(path: string, signal?: AbortSignal): Promise<string> {
  const serve = await import("@cupel/serve");
  return await serve.modelDigest(path, signal);
}

/**
 * The digest is `modelDigest`; "" where the file is no model, of which the command will tell.
 * @param name as a person knows the file
 */
export async function modelFacts(path: string, signal: AbortSignal, name: string = path) {
  return { model: basename(name), digest: await modelDigest(path, signal).catch(() => "") };
}

/** Of what was written. @param digest `modelDigest` for a model. Default: that of the file */
export async function outputFacts(
  path: string,
  digest: (path: string) => Promise<string> = fileDigest,
): Promise<EventFacts> {
  return { output: basename(path), outputDigest: await digest(path) };
}

/**
 * Of a file its SHA-256 (`dataDigest`); of a folder that of the sizes and names of its files (`dataListing`): reading all images
 * would take as long as the work. Neither of what is not there, of which the command will tell.
 */
export async function inputFacts(
  given: Readonly<Partial<Record<(typeof dataFacts)[number], string | null | undefined>>>,
  signal: AbortSignal,
): Promise<EventFacts> {
  let facts: EventFacts = {};
  for (const fact of dataFacts) {
    const path = given[fact];
    if (path === undefined || path === null) continue;
    const content = await contentFacts(fact, path, signal).catch(() => ({}));
    facts = { ...facts, [fact]: basename(path), ...content };
  }
  return facts;
}

async function contentFacts(fact: string, path: string, signal: AbortSignal): Promise<EventFacts> {
  if ((await stat(path)).isDirectory()) return { [`${fact}Listing`]: await listingDigest(path) };
  return { [`${fact}Digest`]: await fileDigest(path, { signal }) };
}

/** SHA-256 of a line a file, "SIZE  NAME", in the order of the names in UTF-16, which are relative and have "/". */
export async function listingDigest(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) {
    // A link that leads nowhere is among the names all the same.
    const found = await stat(join(folder, file)).catch(() => null);
    hash.update(`${found?.size ?? 0}  ${file.replaceAll(sep, "/")}\n`);
  }
  return hash.digest("hex");
}

/** SHA-256 of JSON: of options as they were given, by name, and of `more`, such as what a file of settings says. */
export function settingsDigest(
  given: Given,
  options: readonly Option<unknown>[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const ofRecord: readonly Option<unknown>[] = Object.values(recordOptions);
  const settings = [...options, globals.seed, globals.threads].filter((option) => !ofRecord.includes(option));
  const values = settings.flatMap((option) => (given.has(option) ? [[option.name, given.get(option)]] : []));
  return digestOfJson({ ...Object.fromEntries(values), ...more, operands: given.operands });
}

/** SHA-256 of JSON whose members are in the order of their names. */
export function digestOfJson(value: unknown): string {
  const json = JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
  return createHash("sha256").update(json).digest("hex");
}
