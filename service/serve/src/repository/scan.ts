/**
 * Which models a folder holds. Pure: names in, versions out.
 *
 *     DIR/x.onnx              model x, version 1
 *     DIR/x/model.onnx        the same
 *     DIR/x/2/model.onnx      model x, version 2
 *
 * Whatever else lies there is no model and is left alone: reports, checkpoints, images, weights beside a model, names
 * that begin with a dot, and `x.failed.onnx`, as `compress` names a file that did not pass its own check. What looks like
 * a model and cannot be served is a problem, by name.
 */
import { isVersionNumber, modelNameProblem } from "./model-name.ts";

/** Names of a folder's regular files, and its folders; three levels of it. */
export interface ListedFolder {
  readonly files: readonly string[];
  readonly folders: ReadonlyMap<string, ListedFolder>;
}

export interface FoundVersion {
  readonly model: string;
  readonly version: string;
  /** Parts of the path of its file, below the folder. */
  readonly path: readonly string[];
}

/** Something that looks like a version and cannot be served. */
export interface ScanProblem {
  readonly model: string;
  /** "" where it has none. */
  readonly version: string;
  /** A sentence or more, without a path of this machine. */
  readonly reason: string;
}

export interface Scan {
  readonly versions: readonly FoundVersion[];
  readonly problems: readonly ScanProblem[];
}

const extension = ".onnx";
const modelFile = `model${extension}`;
const failedFile = /\.failed(-\d+)?\.onnx$/;

export function scan(folder: ListedFolder): Scan {
  const versions: FoundVersion[] = [];
  const problems: ScanProblem[] = [];
  for (const name of folder.files.filter(isModelFile)) {
    versions.push({ model: modelOfFile(name), version: "1", path: [name] });
  }
  for (const [model, { files, folders }] of folder.folders) {
    if (isHidden(model)) continue;
    if (files.includes(modelFile)) versions.push({ model, version: "1", path: [model, modelFile] });
    for (const [version, inside] of folders) {
      if (!/^\d+$/.test(version)) continue;
      const problem = versionProblem(version, inside.files);
      if (problem !== null) problems.push({ model, version, reason: problem });
      else if (inside.files.includes(modelFile)) {
        versions.push({ model, version, path: [model, version, modelFile] });
      }
    }
  }
  return settle(versions, problems);
}

/** Of one file that is served by itself. */
export function scanFile(name: string): Scan {
  return settle([{ model: modelOfFile(name), version: "1", path: [name] }], []);
}

function modelOfFile(name: string): string {
  return name.endsWith(extension) ? name.slice(0, -extension.length) : name;
}

function isModelFile(name: string): boolean {
  return name.endsWith(extension) && !isHidden(name) && !failedFile.test(name);
}

function isHidden(name: string): boolean {
  return name.startsWith(".");
}

/** A numbered folder without any model is one of images, or a version whose file is not there yet. */
function versionProblem(version: string, files: readonly string[]): string | null {
  const models = files.filter(isModelFile);
  if (models.length === 0) return null;
  if (!isVersionNumber(version)) {
    return `The version ${version} is no number that a version may have: from 1, without leading zeros.`;
  }
  if (models.includes(modelFile)) return null;
  return `The folder of version ${version} holds ${models.join(", ")} and no ${modelFile}. Call the one to serve ${modelFile}.`;
}

/** Names that are refused, and versions that two files claim, become problems. */
function settle(found: readonly FoundVersion[], problems: readonly ScanProblem[]): Scan {
  const refused: ScanProblem[] = [...problems];
  const versions: FoundVersion[] = [];
  const claims = Map.groupBy(found, ({ model, version }) => `${model}/${version}`);
  for (const claimants of claims.values()) {
    const [first, second] = claimants;
    const { model, version } = first!;
    const problem = modelNameProblem(model);
    if (problem !== null) {
      refused.push({ model, version, reason: `The model's name "${model}" ${problem}. Rename it.` });
    } else if (second !== undefined) {
      const files = claimants.map(({ path }) => path.join("/")).join(" and ");
      refused.push({
        model,
        version,
        reason: `${files} are both version ${version} of the model "${model}". Remove one, or give it another version.`,
      });
    } else versions.push(first!);
  }
  return { versions, problems: refused };
}
