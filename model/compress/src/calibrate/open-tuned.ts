/**
 * Opens a session on a model that is in memory, to look at some images with it.
 *
 * The engine's threads do not spin while they wait: this thread watches the results of one run, and others decode
 * images, while the engine works on the next, and would be kept from their cores. It makes no memory pattern: on a
 * SqueezeNet-like network of 224 x 224 pixels that took a tenth of the whole process's memory. And a large model
 * goes through a file, with its weights in one beside it, which the engine maps: as bytes, or in one file, they would
 * lie in memory twice more (ResNet-50, peak while calibrating: 950 MB from bytes, 775 from one file, 664 from two).
 */
import { join } from "node:path";
import { collectGarbage, openTemporaryFolder } from "@cupel/base";
import { encodeModel, type Model, weightFolderOf, writeModelFile } from "@cupel/onnx";
import { type EngineTuning, type InferenceSession, type ModelSource, openSession } from "@cupel/runtime";

export interface OpenTunedOptions {
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenedModel extends AsyncDisposable {
  readonly session: InferenceSession;
}

const tuning: EngineTuning = {
  memoryPattern: false,
  configEntries: { "session.intra_op.allow_spinning": "0" },
};

/** Bytes of constants from which on a model goes through a file. */
const large = 32 * 2 ** 20;

/** @param make called once; what nobody else holds of the model is free before the engine opens it. @throws what `openSession` throws */
export async function openTuned(make: () => Model, options: OpenTunedOptions): Promise<OpenedModel> {
  const { open = openSession, threads, signal } = options;
  const readable = await openSource(make);
  try {
    const session = await open(readable.source, { ...tuning, threads, signal });
    return {
      session,
      async [Symbol.asyncDispose]() {
        await session.close();
        await readable[Symbol.asyncDispose]();
      },
    };
  } catch (thrown) {
    await readable[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** What a session takes of a model: bytes, or for a large one a path that is there until this is disposed of. */
export interface ReadableModel extends AsyncDisposable {
  readonly source: ModelSource;
}

/** @param make as for `openTuned` */
export async function openSource(make: () => Model): Promise<ReadableModel> {
  const model = make();
  const kept = weightFolderOf(model);
  if (kept !== null) {
    const written = await kept.write(model);
    collectGarbage();
    return { source: written.path, [Symbol.asyncDispose]: () => written[Symbol.asyncDispose]() };
  }
  if (constantBytes(model) < large) return { source: encodeModel(model), async [Symbol.asyncDispose]() {} };
  const folder = await openTemporaryFolder("calibrate");
  const source = join(folder.path, "model.onnx");
  try {
    await writeModelFile(model, source, { externalData: {} });
    // What earlier stages left, and what was computed to be written, would lie beside what the engine is about to take.
    collectGarbage();
    return { source, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  } catch (thrown) {
    await folder[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Whether the weights of a model are worth files. */
export function isLarge(model: Model): boolean {
  return constantBytes(model) >= large;
}

function constantBytes(model: Model): number {
  let bytes = 0;
  for (const { constant } of model.graph.initializers) bytes += constant?.byteLength ?? 0;
  return bytes;
}
