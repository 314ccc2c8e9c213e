/** From the bytes of decoded images to the values of another preprocessing, without decoding again. */
import { CHANNELS, type Preprocessing } from "@cupel/vision";

/** The same tensors with values as they were decoded, 0 to 255. */
export function asDecoded(preprocessing: Preprocessing): Preprocessing {
  const channels = CHANNELS[preprocessing.colour];
  const all = (value: number) => Array.from({ length: channels }, () => value);
  return { ...preprocessing, scale: 1, mean: all(0), std: all(1) };
}

/**
 * From a tensor of `decoded`, as `asDecoded` made it, to one of `wanted`, which differs in the order of channels and in values only.
 * A channel has 256 possible inputs, so that each is computed once.
 */
export function changingValues(
  decoded: Preprocessing,
  wanted: Preprocessing,
): (data: Float32Array) => Float32Array<ArrayBuffer> {
  const { layout, width, height, scale, mean, std } = wanted;
  const channels = CHANNELS[wanted.colour];
  const plane = width * height;
  const isTurned = decoded.colour !== wanted.colour;
  const tables = mean.map((channelMean, c) =>
    Float32Array.from({ length: 256 }, (_, x) => (x * scale - channelMean) / std[c]!),
  );
  return (data) => {
    const out = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) {
      const c = layout === "NCHW" ? Math.floor(i / plane) % channels : i % channels;
      const from = isTurned ? i + (channels - 1 - 2 * c) * (layout === "NCHW" ? plane : 1) : i;
      out[i] = tables[c]![data[from]!]!;
    }
    return out;
  };
}
