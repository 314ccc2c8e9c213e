/** Labelled pictures as one tensor in memory, and the same mirrored: small pictures only. */
import type { WorkOptions } from "@cupel/base";
import { batches, type PictureSource, type Preprocessing } from "@cupel/vision";

export interface TrainingTensors {
  readonly count: number;
  /** Floats of one picture. */
  readonly size: number;
  readonly side: number;
  /** [count, 1, side, side] */
  readonly data: Float32Array;
  readonly labels: Int32Array;
}

const batchSize = 64;

/** The pictures MUST be labelled; the preprocessing grey and square. */
export async function readTensors(
  pictures: PictureSource,
  preprocessing: Preprocessing,
  options: WorkOptions,
): Promise<TrainingTensors> {
  const side = preprocessing.width;
  const size = side * side;
  const data = new Float32Array(pictures.length * size);
  const labels = new Int32Array(pictures.length);
  let count = 0;
  for await (const batch of batches(pictures, preprocessing, { ...options, batchSize })) {
    data.set(batch.data, count * size);
    batch.labels.forEach((label, i) => {
      labels[count + i] = label ?? 0;
    });
    count += batch.indices.length;
  }
  return { count, size, side, data, labels };
}

/** The pictures and their mirror images: a board has no left and right. */
export function withMirrored({ count, size, side, data, labels }: TrainingTensors): TrainingTensors {
  const both = new Float32Array(2 * data.length);
  both.set(data);
  for (let row = 0; row < count * side; row++) {
    const from = row * side;
    for (let x = 0; x < side; x++) both[data.length + from + x] = data[from + side - 1 - x]!;
  }
  return { count: 2 * count, size, side, data: both, labels: Int32Array.of(...labels, ...labels) };
}
