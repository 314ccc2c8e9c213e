/**
 * Weights of models that are worked on, in files of one folder: the models read a tensor when it is asked for and hold
 * none, and each model that is written there is a graph beside weights that lie there already. An engine that opens it
 * maps these, and copies of a model with some weights changed cost a file of what changed.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import { type ExternalPlace, type Model, Tensor } from "../graph/index.ts";
import { encodeModel } from "./encode.ts";
import { externalFiles } from "./external-data.ts";
import { alignedChunks, type ExternalLayout, largeTensors, layOut } from "./external-layout.ts";
import { readModelFile } from "./read.ts";

export interface WeightFolder {
  readonly path: string;
  /**
   * Moves weights of at least 4096 bytes that are not there yet into a file, in the order of the graph. In place: `model`
   * then reads them from there, as long as the folder is there. @throws DISK_FULL, WRITE_FAILED, CANCELLED
   */
  keep(model: Model, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * The same model as a graph that lies there: nothing of what `model` was read from is held by it. `model` is used up.
   * @throws as `keep`
   */
  moveIn(
    model: Model,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly path: string; readonly model: Model }>;
  /** Keeps bytes of any kind. @returns reads them anew each time. @throws as `keep` */
  keepBytes(bytes: Uint8Array): Promise<() => Uint8Array>;
  /** Writes a model whose other large weights go into a file of its own. @throws as `keep` */
  write(model: Model, options?: { readonly signal?: AbortSignal | undefined }): Promise<WrittenGraph>;
}

/** Files that are removed when it is disposed of; weights that were kept stay. */
export interface WrittenGraph extends AsyncDisposable {
  readonly path: string;
}

/** Which folder a tensor is kept in. A copy of a model shares its tensors, and so finds the folder. */
const folders = new WeakMap<Tensor, WeightFolder>();

/** The folder that weights of the model are kept in; null where there is none. */
export function weightFolderOf(model: Model): WeightFolder | null {
  for (const { constant } of model.graph.initializers) {
    const folder = constant && folders.get(constant);
    if (folder) return folder;
  }
  return null;
}

/** @param path of a folder that nobody else writes to, and that is there as long as models whose weights it keeps are used. */
export function weightFolder(path: string): WeightFolder {
  const files = externalFiles(path);
  let written = 0;

  async function writeWeights(
    name: string,
    model: Model,
    signal: AbortSignal | undefined,
  ): Promise<ExternalLayout> {
    const fresh = [...largeTensors(model)].filter((tensor) => folders.get(tensor) !== folder);
    if (fresh.length === 0) return new Map();
    const places = layOut(fresh, `${name}.data`);
    await writeFileAtomically(join(path, `${name}.data`), alignedChunks(places), { signal });
    return places;
  }

  const folder: WeightFolder = {
    path,
    async keep(model, { signal } = {}) {
      const places = await writeWeights(`kept-${++written}`, model, signal);
      const kept = new Map(Array.from(places, ([tensor, place]) => [tensor, keptAt(tensor, place)]));
      for (const value of model.graph.initializers) {
        const there = kept.get(value.constant!);
        if (there) model.graph.setConstant(value, there);
      }
    },
    async keepBytes(bytes) {
      const location = `kept-${++written}.data`;
      await writeFileAtomically(join(path, location), [bytes]);
      const kept = new Tensor(
        "uint8",
        [bytes.length],
        sourceAt({ location, offset: 0, length: bytes.length }),
      );
      return () => kept.bytes();
    },
    async moveIn(model, options) {
      await folder.keep(model, options);
      const { path: graph } = await folder.write(model, options);
      const moved = await readModelFile(graph);
      for (const { constant } of moved.graph.initializers) {
        if (constant?.source.kind === "external") folders.set(constant, folder);
      }
      return { path: graph, model: moved };
    },
    async write(model, { signal } = {}) {
      const name = `model-${++written}`;
      const graph = join(path, `${name}.onnx`);
      const remove = async () => {
        await Promise.all([graph, join(path, `${name}.data`)].map((file) => rm(file, { force: true })));
      };
      try {
        const places = await writeWeights(name, model, signal);
        const chunks = encodeModel(model, (tensor) => places.get(tensor) ?? placeIn(tensor) ?? "inside");
        await writeFileAtomically(graph, chunks, { signal });
      } catch (thrown) {
        await remove();
        throw thrown;
      }
      return { path: graph, [Symbol.asyncDispose]: remove };
    },
  };

  function sourceAt({ location, offset, length }: ExternalPlace) {
    const entries = { location, offset: String(offset), length: String(length) };
    return files.source(new Map(Object.entries(entries)), length);
  }

  function keptAt({ type, dims }: Tensor, place: ExternalPlace): Tensor {
    const kept = new Tensor(type, dims, sourceAt(place));
    folders.set(kept, folder);
    return kept;
  }

  function placeIn(tensor: Tensor): ExternalPlace | null {
    return tensor.source.kind === "external" && folders.get(tensor) === folder ? tensor.source.place : null;
  }

  return folder;
}

/** Weights that are kept in a folder become bytes in memory again, for a model that outlives it. In place. */
export function takeOut(model: Model): void {
  for (const value of model.graph.initializers) {
    const { type, dims } = value.constant!;
    if (!folders.has(value.constant!)) continue;
    model.graph.setConstant(value, Tensor.fromBytes(type, dims, value.constant!.bytes()));
  }
}
