/**
 * Changes a session wants in a graph before the engine sees it: more outputs, or fixed dimensions. The
 * engine's binding offers neither, so the model is edited and handed over as bytes. The weights are not
 * decoded, and those in files beside the model stay there.
 */

import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { own } from "@cupel/base";
import { encodeModel, type Model, readModel, readModelFile, separateNodeNames } from "@cupel/onnx";
import { runtimeErrors } from "../errors.ts";
import type { ModelSource } from "./model-source.ts";
import { addSentinel } from "./sentinel.ts";

export interface GraphEdits {
  readonly taps: readonly string[];
  readonly freeDimensions: Readonly<Record<string, number>>;
  /** See `sentinel.ts`. */
  readonly sentinel: boolean;
  /** Whether nodes with the name of another get one of their own. */
  readonly nodeNames: boolean;
}

export interface EditedSource {
  readonly source: ModelSource;
  /** Engine configuration that the edited model needs to be loaded as the original is. */
  readonly configEntries: Readonly<Record<string, string>>;
}

/** The source itself when there is nothing to edit. @throws TAP_UNKNOWN, DIMENSION_UNKNOWN and those of `readModel` */
export async function editSource(source: ModelSource, edits: GraphEdits): Promise<EditedSource> {
  const { taps, freeDimensions, sentinel, nodeNames } = edits;
  if (taps.length === 0 && Object.keys(freeDimensions).length === 0 && !sentinel && !nodeNames) {
    return { source, configEntries: {} };
  }
  const model = await readSource(source);
  addTaps(model, taps);
  fixDimensions(model, freeDimensions);
  if (sentinel) addSentinel(model);
  if (nodeNames) separateNodeNames(model.graph);
  return {
    source: encodeModel(model, (await isLinkElsewhere(source)) ? () => "inside" : () => "unchanged"),
    configEntries:
      typeof source === "string"
        ? { "session.model_external_initializers_file_folder_path": resolve(dirname(source)) }
        : {},
  };
}

/**
 * A file of a cache of downloads may be a link to another folder, and so are its weights: the engine finds them by
 * the model's path, but not where it is given bytes and a folder.
 */
async function isLinkElsewhere(source: ModelSource): Promise<boolean> {
  if (typeof source !== "string") return false;
  return dirname(await realpath(source)) !== (await realpath(dirname(source)));
}

/** A model from wherever a session takes one. */
export async function readSource(source: ModelSource): Promise<Model> {
  if (typeof source === "string") return readModelFile(source);
  return readModel(source instanceof Uint8Array ? source : Buffer.concat(source));
}

/**
 * Makes intermediate values outputs of the graph as well, after the outputs it has.
 * The engine cannot fuse across a value that must exist: see `SessionOptions.taps`.
 */
export function addTaps(model: Model, names: readonly string[]): void {
  const { graph } = model;
  for (const name of names) {
    const value = graph.value(name);
    if (!value) {
      throw runtimeErrors.error(
        "TAP_UNKNOWN",
        `The graph has no value "${name}" to tap. Taps are named after the outputs of nodes, as a viewer shows them.`,
        { details: { name } },
      );
    }
    if (!graph.isOutput(value)) graph.outputs.push(value);
  }
}

/** Gives symbolic dimensions a size, wherever their name occurs. */
export function fixDimensions(model: Model, sizes: Readonly<Record<string, number>>): void {
  const symbols = new Set(model.graph.inputs.flatMap((input) => input.shape ?? []));
  for (const name of Object.keys(sizes)) {
    if (symbols.has(name)) continue;
    const known = [...symbols].filter((dim) => typeof dim === "string");
    throw runtimeErrors.error(
      "DIMENSION_UNKNOWN",
      `No input has a dimension "${name}"; the symbolic dimensions are ${known.join(", ") || "none"}.`,
      { details: { name } },
    );
  }
  for (const value of model.graph.values()) {
    if (value.type?.kind !== "tensor" || value.type.shape === null) continue;
    const shape = value.type.shape.map((dim) => (typeof dim === "string" ? (own(sizes, dim) ?? dim) : dim));
    value.type = { ...value.type, shape };
  }
}
