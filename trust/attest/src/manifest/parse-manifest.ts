/**
 * A manifest that somebody wrote, as the JSON of its entries: taken only when a folder could have it, so that nothing
 * behind this has to ask again. No path in it is opened here or by whoever compares it.
 */
import { conforms, expectation, type Schema } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { checkCollisions, checkLinks, shown } from "./check-manifest.ts";
import type { Manifest, ManifestEntry } from "./manifest.ts";
import { foldersAbove, pathRefusal, textRefusal } from "./path-rules.ts";

const path = { type: "string", minLength: 1 } as const;
const digest = { type: "string", pattern: "^[0-9a-f]{64}$", expects: "64 digits of lower-case hex" } as const;

const schemas = {
  file: {
    type: "object",
    properties: {
      kind: { enum: ["file"] },
      path,
      size: { type: "integer", minimum: 0 },
      executable: { type: "boolean" },
      sha256: digest,
      sm3: digest,
    },
    required: ["kind", "path", "size", "executable", "sha256", "sm3"],
    additionalProperties: false,
  },
  link: {
    type: "object",
    properties: { kind: { enum: ["link"] }, path, target: { type: "string", minLength: 1 } },
    required: ["kind", "path", "target"],
    additionalProperties: false,
  },
  folder: {
    type: "object",
    properties: { kind: { enum: ["folder"] }, path },
    required: ["kind", "path"],
    additionalProperties: false,
  },
} as const satisfies Readonly<Record<ManifestEntry["kind"], Schema>>;

/** JSON Schema of a manifest: see `parseManifest` for what it cannot say. */
export const manifestSchema = {
  type: "array",
  items: { anyOf: [schemas.file, schemas.link, schemas.folder] },
} as const satisfies Schema;

/** In the paths of a manifest, all together: each takes about 150 bytes of memory while they are compared. */
const mostNames = 2 ** 22;

/** @param where it is from, for messages. @throws MANIFEST_INVALID, NAME_COLLISION, LINK_REFUSED */
export function parseManifest(value: unknown, where: string): Manifest {
  if (!Array.isArray(value)) throw invalid(where, "it is no list of entries");
  const manifest = value.map((each, i) => entryOf(each, i, where));
  const names = manifest.reduce((sum, entry) => sum + entry.path.split("/").length, 0);
  if (names > mostNames) throw invalid(where, `its paths have more than ${mostNames} names`);
  let before: ManifestEntry | undefined;
  const kinds = new Map(manifest.map((entry) => [entry.path, entry.kind]));
  for (const [i, entry] of manifest.entries()) {
    if (before !== undefined && Buffer.compare(Buffer.from(before.path), Buffer.from(entry.path)) >= 0) {
      throw invalid(where, `${shown(entry.path)} stands behind ${shown(before.path)}`, i);
    }
    before = entry;
    const around = foldersAbove(entry.path).find((folder) => kinds.has(folder));
    if (around !== undefined) {
      const kind = kinds.get(around) === "folder" ? "an empty folder" : "no folder";
      throw invalid(where, `${shown(entry.path)} lies in ${shown(around)}, which is ${kind}`, i);
    }
  }
  checkCollisions(kinds.keys(), where);
  checkLinks(
    manifest.filter((entry) => entry.kind === "link"),
    where,
  );
  return manifest;
}

function entryOf(value: unknown, index: number, where: string): ManifestEntry {
  if (!isEntry(value)) throw invalid(where, mistakeIn(value), index);
  const reason = pathRefusal(value.path);
  if (reason !== null) throw invalid(where, `the path ${shown(value.path)} ${reason}`, index);
  const targetReason = value.kind === "link" ? textRefusal(value.target) : null;
  if (targetReason !== null)
    throw invalid(where, `the target of ${shown(value.path)} ${targetReason}`, index);
  return value;
}

function isEntry(value: unknown): value is ManifestEntry {
  return conforms(manifestSchema.items, value);
}

/** Of what does not conform: the first member that is not as it must be. */
function mistakeIn(value: unknown): string {
  const members: ReadonlyMap<string, unknown> = new Map(
    typeof value === "object" && value !== null ? Object.entries(value) : [],
  );
  const schema = Object.entries(schemas).find(([kind]) => kind === members.get("kind"))?.[1];
  if (schema === undefined) return `its kind is none of ${Object.keys(schemas).join(", ")}`;
  const properties: Readonly<Record<string, Schema>> = schema.properties;
  for (const [name, its] of Object.entries(properties)) {
    if (!conforms(its, members.get(name))) return `its ${name} must be ${expectation(its)}`;
  }
  const strange = [...members.keys()].find((name) => !Object.hasOwn(properties, name));
  return `it has ${shown(strange ?? "")}, which a ${members.get("kind")} has not`;
}

function invalid(where: string, reason: string, index?: number) {
  return attestErrors.error(
    "MANIFEST_INVALID",
    `The manifest in ${where} is not valid${index === undefined ? "" : `, entry ${index}`}: ${reason}.`,
    { details: index === undefined ? {} : { entry: index } },
  );
}
