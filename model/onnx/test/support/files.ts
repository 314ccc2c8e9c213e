/** Where reference files and real models are. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const data = process.env.CUPEL_DATA ?? join(import.meta.dirname, "../../../../../shared/data");

/** Paths of the real models; empty on a machine that has none. */
export function realModels(): string[] {
  const folder = join(data, "models");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".onnx"))
    .map((name) => join(folder, name));
}

/** Image classifiers of operator set 13 or newer: what the project's own exporters wrote, every shape declared. */
const classifierNames = [
  "mobilenet_v1_0.75_224.onnx",
  "resnet20_cifar10.onnx",
  "resnet50_w32_pcb.onnx",
  "resnet56_cifar10.onnx",
  "resnet8_cifar10.onnx",
];

/** Those real models that are image classifiers. */
export function classifiers(): string[] {
  return realModels().filter((path) => classifierNames.includes(basename(path)));
}

/** A real model by the beginning of its name; undefined when absent. */
export function realModel(name: string): string | undefined {
  return realModels().find((path) => path.includes(`/${name}`));
}

export function fixture(name: string): string {
  return join(import.meta.dirname, "../fixtures", name);
}

/** One JSON value a line. */
export function fixtureLines<Row>(name: string): Row[] {
  return readFileSync(fixture(name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Row => JSON.parse(line));
}
