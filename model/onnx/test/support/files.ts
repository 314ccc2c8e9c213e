/** Where reference files and real models are. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const data = process.env.CUPEL_DATA ?? join(import.meta.dirname, "../../../../../shared/data");

/** Paths of the real models; empty on a machine that has none. */
export function realModels(): string[] {
  const folder = join(data, "models");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".onnx"))
    .map((name) => join(folder, name));
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
