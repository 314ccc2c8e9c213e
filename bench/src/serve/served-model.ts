/** The model that the benchmarks of serving serve: ResNet-50's layout on grey crops of 64 x 64, compressed to INT8. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { compressFile } from "@cupel/compress";
import { openImages } from "@cupel/vision";

export interface ServedModel {
  readonly name: string;
  readonly bytes: number;
  readonly input: string;
  /** Of one row. */
  readonly shape: readonly number[];
}

/** Writes `pcb.onnx` into the folder. @param data of the tests */
export async function servedModel(data: string, folder: string, signal: AbortSignal): Promise<ServedModel> {
  const path = join(folder, "pcb.onnx");
  const images = await openImages(join(data, "pcb/train-images-idx3-ubyte.gz"));
  await compressFile(join(data, "models/resnet50_w32_pcb.onnx"), {
    out: path,
    images,
    report: false,
    signal,
  });
  const { size } = await stat(path);
  return { name: "resnet50_w32_pcb INT8", bytes: size, input: "input", shape: [1, 64, 64] };
}
