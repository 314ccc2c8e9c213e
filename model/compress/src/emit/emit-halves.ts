/**
 * Weights as 16-bit floats at rest: constant (float16) -> Cast(float32) -> the layer. The engine computes the Cast once,
 * when it loads the file, so that the model runs in float32 as before, at half of the size. No image is needed for that:
 * nothing but the constants is rounded.
 */
import {
  Emitter,
  type Graph,
  type Model,
  removeDeadCode,
  runPasses,
  Tensor,
  writeFloat16,
} from "@cupel/onnx";

/** In a smaller one the Cast and its names take what 16 bits save. */
const fewestElements = 128;

/**
 * Rounding to 11 significant bits moves a value by at most this share of it. A constant that loses more, all of it
 * together, has values that float16 does not hold: above 65504, or so small that few bits are left.
 */
const roundingError = 2 ** -11;

export interface EmittedHalves {
  /** Names of the constants that lie in 16 bits. */
  readonly stored: ReadonlySet<string>;
  /** Names of those whose values float16 does not hold. */
  readonly kept: readonly string[];
}

/** @param model edited in place. @param inFloat names of constants that stay as they are. */
export function emitHalves(model: Model, inFloat: ReadonlySet<string>): EmittedHalves {
  const { graph } = model;
  const emit = new Emitter(model, { typed: false });
  const stored = new Set<string>();
  const kept: string[] = [];
  for (const value of storable(graph)) {
    if (inFloat.has(value.name)) continue;
    const { dims } = value.constant!;
    const values = value.constant!.toFloat32();
    const half = Tensor.fromBytes("float16", dims, new Uint8Array(writeFloat16(values).buffer));
    if (errorOf(values, half.toFloat32()) > roundingError) {
      kept.push(value.name);
      continue;
    }
    const reader = [...graph.nodes].find((node) => value.uses.some((use) => use.node === node));
    const at = graph.addConstant(`${value.name}.h`, half);
    const place = reader ? emit.before(reader, `${value.name}.f`) : emit.behind(null, `${value.name}.f`);
    const widened = place.cast(at, "float32");
    widened.type = value.type;
    graph.replaceUses(value, widened);
    stored.add(value.name);
  }
  runPasses(model, [removeDeadCode]);
  return { stored, kept };
}

function storable(graph: Graph) {
  return [...graph.initializers].filter(
    (value) =>
      value.constant?.type === "float32" &&
      value.constant.size >= fewestElements &&
      value.uses.length > 0 &&
      !graph.inputs.includes(value) &&
      !graph.isOutput(value),
  );
}

/** As a share of all values together; infinite where one of them became infinite. */
function errorOf(values: Float32Array, halves: Float32Array): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    signal += values[i]! ** 2;
    noise += (values[i]! - halves[i]!) ** 2;
  }
  return noise === 0 ? 0 : Math.sqrt(noise / signal);
}
