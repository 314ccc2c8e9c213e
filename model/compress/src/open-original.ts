/**
 * The model to compress, so that a long work on it does not hold its bytes: a large one is a graph in a temporary folder,
 * whose weights the engine maps and the stages read when they need them. The file itself is read once.
 */
import { openTemporaryFolder } from "@cupel/base";
import { weightFolder } from "@cupel/onnx";
import { type OpenedModel, openModel } from "@cupel/predict";
import type { EngineTuning, openSession } from "@cupel/runtime";
import { isLarge } from "./calibrate/open-tuned.ts";

export interface OriginalModel extends AsyncDisposable {
  /** As the file is, but for where its weights lie. */
  readonly opened: OpenedModel;
  /** For sessions. */
  readonly source: string;
  /**
   * What answers of the original are had with: of a large model without the layout of the engine's convolutions, for which
   * it copies all weights. It then takes a third more time, and of a ResNet-50 140 MB less.
   */
  readonly opener: (open: typeof openSession) => typeof openSession;
}

const lean = { optimization: "extended", memoryPattern: false } as const satisfies EngineTuning;

/** @throws what `openModel` throws, DISK_FULL, WRITE_FAILED, CANCELLED */
export async function openOriginal(path: string, signal?: AbortSignal): Promise<OriginalModel> {
  const opened = await openModel(path);
  if (!isLarge(opened.model))
    return { opened, source: path, opener: (open) => open, async [Symbol.asyncDispose]() {} };
  const folder = await openTemporaryFolder("original");
  try {
    const moved = await weightFolder(folder.path).moveIn(opened.model, { signal });
    return {
      opened: { ...opened, model: moved.model },
      source: moved.path,
      opener: (open) => (source, options) => open(source, { ...options, ...lean }),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await folder[Symbol.asyncDispose]();
    throw thrown;
  }
}
