/** The models of the zoo as they lie in a folder: what every tool that goes through the zoo goes through. */
import { globSync, statSync } from "node:fs";
import { basename, join, matchesGlob } from "node:path";

export interface ZooModel {
  /** The file's, without .onnx. */
  readonly name: string;
  readonly path: string;
}

/** The smallest first: what goes wrong is seen early. @param pattern of names, such as "yolo*" */
export function zooModels(folder: string, pattern: string): ZooModel[] {
  return globSync("*.onnx", { cwd: folder })
    .map((file) => ({ name: basename(file, ".onnx"), path: join(folder, file) }))
    .filter(({ name }) => matchesGlob(name, pattern))
    .map((model) => ({ model, bytes: statSync(model.path).size }))
    .sort((a, b) => a.bytes - b.bytes)
    .map(({ model }) => model);
}
