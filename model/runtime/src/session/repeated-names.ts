/**
 * Models in which two nodes have the same name: ONNX allows them, and the engine refuses them before it looks at
 * anything else. They are loaded with other names, which changes nothing that is computed.
 */
import { join } from "node:path";
import { CupelError, writeFileAtomically } from "@cupel/base";
import { encodeModel, type Model, separateNodeNames } from "@cupel/onnx";
import { readSource } from "./graph-edits.ts";

/** In the engine's words. */
const refusal = /nodes? with (the )?same node name|node name \S* ?is not unique/;

export function isRefusedForNames(thrown: unknown): boolean {
  return thrown instanceof CupelError && refusal.test(String(thrown.details.reason ?? ""));
}

/** @param model is edited. @returns a file in the folder with the weights inside; the path itself where names differ. */
export async function fileWithNames(
  path: string,
  folder: string,
  signal?: AbortSignal,
  model?: Model,
): Promise<string> {
  const named = model ?? (await readSource(path));
  if (separateNodeNames(named.graph).length === 0) return path;
  const renamed = join(folder, "named.onnx");
  await writeFileAtomically(
    renamed,
    encodeModel(named, () => "inside"),
    { signal },
  );
  return renamed;
}
