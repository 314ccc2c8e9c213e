/**
 * Fills a table for a network that is to be pruned: every curve of its layers, at widths that kernels like, and what is
 * left of the network's time.
 */
import type { WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { cpuFeatures, engineVersion, type openSession } from "@cupel/runtime";
import type { Preprocessing } from "@cupel/vision";
import { engineTimer, type LayerTimer } from "./engine-timer.ts";
import { type LatencyTable, openTable } from "./latency-table.ts";
import { curveKey, elementsIn, type LayerShape, layersIn, type ModelLayer } from "./layer-shape.ts";
import { sumOfLayers } from "./predict-latency.ts";
import { networkTimer, type StopwatchOptions } from "./stopwatch.ts";

export interface MeasureTableOptions extends WorkOptions {
  readonly preprocessing: Preprocessing;
  /** Names of the first outputs of nodes that run on integers. Default: none. */
  readonly integer?: ReadonlySet<string> | undefined;
  /** What is measured whole, such as the network with its 8-bit kernels. Default: `model` itself. */
  readonly whole?: Model | undefined;
  /** Default 1. */
  readonly threads?: number | undefined;
  /** A table whose points are taken as they are; only what it lacks is measured, and nothing where it lacks nothing. */
  readonly latencyTable?: LatencyTable | undefined;
  readonly open?: typeof openSession | undefined;
  /** What times layers. Default: the engine. */
  readonly timer?: LayerTimer | undefined;
  /** What times the whole, in milliseconds. Default: the engine. */
  readonly timeWhole?: ((model: Model) => Promise<number>) | undefined;
}

/** @throws what sessions throw */
export async function measureTable(model: Model, options: MeasureTableOptions): Promise<LatencyTable> {
  const { preprocessing, integer, threads = 1, latencyTable, whole = model } = options;
  const found = layersIn(model, preprocessing, integer);
  const { layers } = found;
  const restElements = elementsIn(found);
  const times = await layerTimes(gridOf(layers), { ...options, threads });
  const table: LatencyTable = {
    format: "cupel-latency/1",
    threads,
    engine: `onnxruntime-node ${engineVersion()}`,
    cpu: cpuFeatures().model,
    layers: [...times],
    rest: { ms: 0, elements: restElements },
  };
  if (latencyTable) return { ...table, rest: latencyTable.rest };
  const { timeWhole = wholeTimer({ ...options, threads }) } = options;
  const ms = await timeWhole(whole);
  const rest = Math.max(0, ms - sumOfLayers(layers, openTable(table)));
  return { ...table, rest: { ms: rest, elements: restElements } };
}

export type LayerTime = LatencyTable["layers"][number];

/** Of the shapes, each once; those that a table has are not measured again, and its others are kept. */
export async function layerTimes(
  shapes: readonly LayerShape[],
  options: Pick<MeasureTableOptions, "latencyTable" | "timer" | "open" | "signal" | "progress"> & {
    readonly threads: number;
  },
): Promise<readonly LayerTime[]> {
  const known = options.latencyTable?.layers ?? [];
  const held = new Set(known.map(pointKey));
  const missing = [...new Map(shapes.map((shape) => [pointKey(shape), shape])).entries()].flatMap(
    ([key, shape]) => (held.has(key) ? [] : [shape]),
  );
  const timer = options.timer ?? engineTimer(options);
  const times = missing.length > 0 ? await timer(missing) : [];
  return [...known, ...missing.map((shape, i) => inTable(shape, times[i]!))];
}

function pointKey(shape: LayerShape): string {
  return `${shape.inputs} ${shape.outputs} ${curveKey(shape)}`;
}

function inTable(shape: LayerShape, ms: number): LayerTime {
  const { size, kernel, strides, dilations, pads, ...rest } = shape;
  return {
    ...rest,
    size: [...size],
    kernel: [...kernel],
    strides: [...strides],
    dilations: [...dilations],
    pads: [...pads],
    ms,
  };
}

/** Of widths of one axis of a curve. */
const mostWidths = 6;
/** Kernels work in blocks of so many channels. */
const block = 8;
const shares = [0.25, 0.5, 0.75, 1];

/** All pairs of the widths of a curve's layers, so that every cell between them has its corners. */
export function gridOf(layers: readonly ModelLayer[]): LayerShape[] {
  return [...Map.groupBy(layers, ({ shape }) => curveKey(shape)).values()].flatMap((curve) => {
    const [{ shape: first }] = curve as [ModelLayer, ...ModelLayer[]];
    const inputs = widthsOf(curve, "inputs");
    const outputs = widthsOf(curve, "outputs");
    return inputs.flatMap((i) => outputs.map((o): LayerShape => ({ ...first, inputs: i, outputs: o })));
  });
}

function widthsOf(curve: readonly ModelLayer[], of: "inputs" | "outputs"): number[] {
  const all = curve.flatMap(({ shape, prunes }) => {
    const full = shape[of];
    // One channel for each group of a depthwise Conv stays one.
    return prunes[of] && full > block ? shares.map((share) => roundedWidth(share * full, full)) : [full];
  });
  const sorted = [...new Set(all)].sort((a, b) => a - b);
  if (sorted.length <= mostWidths) return sorted;
  const last = sorted.length - 1;
  return Array.from({ length: mostWidths }, (_, i) => sorted[Math.round((i * last) / (mostWidths - 1))]!);
}

/** The full width stays what it is. */
function roundedWidth(width: number, full: number): number {
  return width === full ? full : Math.max(block, Math.round(width / block) * block);
}

function wholeTimer(options: StopwatchOptions) {
  return async (model: Model): Promise<number> => (await networkTimer(options)([model]))[0]!.ms;
}
