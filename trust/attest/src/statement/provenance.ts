/**
 * How a model was made, as the predicate of SLSA provenance, version 1: taken from the report that `cupel compress`
 * writes, whose figures it repeats, so that whoever signs it signs the accuracy that is claimed.
 *
 *     buildDefinition.externalParameters     the command, the recipe, the images, the preprocessing
 *     buildDefinition.resolvedDependencies   the model that was compressed, by its digest
 *     runDetails.builder                     Cupel, Node.js and the engine, with their versions
 *     runDetails.byproducts                  the report, by its digest, and its figures as annotations
 *
 * https://slsa.dev/spec/v1.0/provenance
 */
import { hash } from "node:crypto";
import { posix } from "node:path";
import { filesDigest, type NamedDigest } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isSameDigest } from "../manifest/same-digest.ts";
import {
  type Fault,
  type JsonObject,
  jsonObject,
  jsonText,
  member,
  parseJsonBytes,
} from "../signature/json-members.ts";
import { type Figures, reportFigures } from "./report-figures.ts";

export const compressionBuildType = "https://github.com/cupel-vision/cupel/compress/v1";
export const compressionBuilder = "https://github.com/cupel-vision/cupel";

/** The one version of reports that is read. */
const reportFormat = "cupel-report/4";

/** Bytes. A report of a thousand layers has about 30 MB. */
const longestReport = 2 ** 28;

export interface ReportFile {
  readonly bytes: Uint8Array;
  /** As it is to be named in the provenance, without folders. */
  readonly name: string;
}

export interface ModelFile {
  readonly file: string;
  readonly sha256: string;
}

/** As a report tells of it. */
interface ReportedModel extends ModelFile {
  /** The model's own, then those of its external data; `sha256` is the digest of all. */
  readonly files: readonly NamedDigest[];
}

export interface Provenance {
  readonly predicate: JsonObject;
  /** The model that was made, by its path in the sealed folder. */
  readonly model: ModelFile;
  readonly task: string;
  readonly figures: Figures;
}

/**
 * @param manifest of the folder that is sealed; the model of the report must be in it
 * @throws REPORT_INVALID, REPORT_FOREIGN
 */
export function provenanceOf({ bytes, name }: ReportFile, manifest: Manifest): Provenance {
  const fault = reportFault(name);
  if (bytes.byteLength > longestReport) throw fault(`it has ${bytes.byteLength} bytes`);
  const report = jsonObject(parseJsonBytes(bytes), "it", fault);
  if (member(report, "format") !== reportFormat) throw fault(`its format is not ${reportFormat}`);
  const environment = jsonObject(member(report, "environment"), "environment", fault);
  const original = modelOf(report, "original", fault);
  const model = modelIn(manifest, modelOf(report, "compressed", fault), name);
  const figures = reportFigures(report, fault);
  const createdAt = jsonText(report, "createdAt", fault);
  const predicate = {
    buildDefinition: {
      buildType: compressionBuildType,
      externalParameters: membersOf(report, ["command", "recipe", "data", "preprocessing", "seed"]),
      internalParameters: membersOf(environment, ["cpu", "cores", "features"]),
      resolvedDependencies: original.files.map(({ file, sha256 }) => ({ name: file, digest: { sha256 } })),
    },
    runDetails: {
      builder: {
        id: compressionBuilder,
        version: {
          cupel: jsonText(environment, "cupel", fault),
          node: jsonText(environment, "node", fault),
          engine: jsonText(environment, "engine", fault),
        },
      },
      metadata: { finishedOn: createdAt },
      byproducts: [
        {
          name,
          digest: { sha256: hash("sha256", bytes) },
          mediaType: "application/json",
          annotations: { model, task: jsonText(report, "task", fault), figures },
        },
      ],
    },
  };
  return { predicate, model, task: jsonText(report, "task", fault), figures };
}

/** Whether it is a report of a compression at all: others name files so too. */
export function isReport(bytes: Uint8Array): boolean {
  if (bytes.byteLength > longestReport) return false;
  const value = parseJsonBytes(bytes);
  return typeof value === "object" && value !== null && "format" in value && value.format === reportFormat;
}

function modelOf(report: JsonObject, side: "original" | "compressed", fault: Fault): ReportedModel {
  const model = jsonObject(member(report, side), side, fault);
  const sha256 = jsonText(model, "sha256", fault);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw fault(`sha256 of ${side} is no digest`);
  return { file: jsonText(model, "file", fault), sha256, files: filesOf(model, side, sha256, fault) };
}

/** The digest of a model with external data is that of the digests of its files. */
function filesOf(model: JsonObject, side: string, sha256: string, fault: Fault): readonly NamedDigest[] {
  const told = member(model, "files");
  if (told === undefined) return [{ file: jsonText(model, "file", fault), sha256 }];
  if (!Array.isArray(told)) throw fault(`files of ${side} is no list`);
  const files = told.map((each, i) => {
    const file = jsonObject(each, `files of ${side}, ${i}`, fault);
    return { file: jsonText(file, "file", fault), sha256: jsonText(file, "sha256", fault) };
  });
  if (!isSameDigest(filesDigest(files), sha256)) throw fault(`sha256 of ${side} is not that of its files`);
  return files;
}

/** At any path, but with its weights where it looks for them: a report knows the name of its model, and not where it was put. */
function modelIn(manifest: Manifest, { file, sha256, files: its }: ReportedModel, report: string): ModelFile {
  const files = manifest.filter((entry) => entry.kind === "file");
  const [own, ...weights] = its;
  const model = files.find(
    (entry) =>
      own !== undefined &&
      isSameDigest(entry.sha256, own.sha256) &&
      weights.every((weight) => {
        const path = posix.join(posix.dirname(entry.path), weight.file);
        return files.some((found) => found.path === path && isSameDigest(found.sha256, weight.sha256));
      }),
  );
  if (model !== undefined) return { file: model.path, sha256: model.sha256 };
  const namesake = files.find(({ path }) => path.split("/").at(-1) === file);
  const found =
    namesake !== undefined && own !== undefined && isSameDigest(namesake.sha256, own.sha256)
      ? `Its weights (${weights.map((weight) => shown(weight.file)).join(", ")}) are not beside it, or are others`
      : namesake === undefined
        ? `There is no ${shown(file)} here`
        : `${shown(namesake.path)} has the SHA-256 ${namesake.sha256}`;
  throw attestErrors.error(
    "REPORT_FOREIGN",
    `The report ${report} is not of a model in this folder: it is of ${shown(file)} with the SHA-256 ${sha256}. ${found}. ` +
      "Compress again, remove the report, or seal without it.",
    { details: { report, file, sha256, found: namesake?.sha256 ?? null } },
  );
}

function membersOf(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, member(object, name) ?? null]));
}

function reportFault(name: string): Fault {
  return (reason) =>
    attestErrors.error(
      "REPORT_INVALID",
      `The report ${name} cannot be sealed: ${reason}. Give the .report.json that this version of cupel compress wrote, or none.`,
      { details: { report: name, reason } },
    );
}
