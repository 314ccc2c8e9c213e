/**
 * Measures what a compression cost: runs both written files, as the engine optimises them, on the same
 * pictures, and fills the report. Everything expensive is streamed; what grows with the number of pictures
 * is their answers alone.
 */
import { type Clock, systemClock, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { inferShapes, type Model, readModelFile } from "@cupel/onnx";
import { cpuFeatures } from "@cupel/runtime";
import { type PictureSource, type Preprocessing, sample, thumbnail } from "@cupel/vision";
import { type Evaluation, evaluate } from "../evaluate/evaluate.ts";
import { comparedBatchSize } from "./batch-budget.ts";
import { type ActivationComparison, compareActivations } from "./compare-activations.ts";
import { type ChangedAnswer, compareAnswers, spreadOver } from "./compare-answers.ts";
import { constantValues, countParameters } from "./count-parameters.ts";
import { reportEnvironment } from "./environment.ts";
import { judgeLayers } from "./first-bad-layer.ts";
import type { Segment } from "./graph-segments.ts";
import { layerReports, type PlannedLayer, plannedFor } from "./layer-reports.ts";
import { type MatchedLayer, matchLayers } from "./match-layers.ts";
import { fusionOf, latencyOf, memoryOf, timeSharesOf } from "./measure-cost.ts";
import { describeFile } from "./model-file.ts";
import { reportNotes } from "./report-notes.ts";
import type {
  CalibrationReport,
  ChangedPicture,
  CompressionReport,
  ModelSide,
  SpatialMaps,
  TradeOffPoint,
} from "./report-schema.ts";
import { atOnce, inTurn, type Sides } from "./sides.ts";

export interface MakeReportOptions extends WorkOptions {
  /** The written files. */
  readonly originalPath: string;
  readonly compressedPath: string;
  /** Evaluation pictures, labelled or not. */
  readonly pictures: PictureSource;
  readonly preprocessing: Preprocessing;
  /** Names by class. Default: those of the pictures, else "class 0", "class 1", ... */
  readonly classes?: readonly string[] | null | undefined;
  readonly recipe: unknown;
  readonly seed: number;
  readonly calibration: CalibrationReport;
  readonly tradeOff: readonly TradeOffPoint[];
  readonly layers: readonly PlannedLayer[];
  /**
   * Of a compressor that equalised: what each channel of an activation was divided by, under the name of
   * the activation. The comparison multiplies it back. Default: none.
   */
  readonly channelFactors?: ReadonlyMap<string, Float32Array> | undefined;
  /** Default: all cores this process may use. */
  readonly threads?: number | undefined;
  /** Pictures whose activations are compared, a stratified sample. Default 64. */
  readonly comparedPictures?: number | undefined;
  readonly clock?: Clock | undefined;
}

const shownChanges = 60;
const mappedPictures = 6;
const comparedByDefault = 64;

/**
 * @throws MODEL_NOT_FOUND and what reading a model throws; INPUT_SHAPE_MISMATCH, INPUT_UNSUPPORTED,
 * LABEL_OUT_OF_RANGE, PICTURES_UNREADABLE, MEASUREMENT_FAILED, CANCELLED
 */
export async function makeReport(options: MakeReportOptions): Promise<CompressionReport> {
  const { pictures, seed, signal, progress, clock = systemClock } = options;
  const paths: Sides<string> = { original: options.originalPath, compressed: options.compressedPath };
  const cpu = cpuFeatures();
  const work = { threads: options.threads ?? cpu.cores, signal, progress };
  const models = await inTurn(paths, readInferred);
  const layers = matchLayers(models.original.graph, models.compressed.graph);

  const sampled = sample(pictures, options.comparedPictures ?? comparedByDefault, seed);
  const compared = await compareLayers(paths, layers, sampled, options, work.threads);
  const evaluations = await evaluateBoth(paths, options, work.threads);
  const answers = compareAnswers(
    evaluations.original,
    evaluations.compressed,
    options.classes ?? pictures.classes,
  );
  const timeShares = await timeSharesOf(paths, segmentsOfBoth(layers), work);
  const latency = await latencyOf(paths, work);
  const memory = await memoryOf(paths, work);
  const fusion = await fusionOf(paths.compressed, work);

  const describe = async (side: keyof Sides<string>): Promise<ModelSide> => ({
    ...(await describeFile(paths[side], models[side])),
    parameters: parametersOf(models[side]),
    latency: latency[side],
    memory: memory[side],
  });
  const rows = layerReports(models.original.graph, layers, options.layers, {
    figures: compared.figures,
    timeShares,
  });
  const judgement = judgeLayers(
    rows.map((row, i) => ({
      ...row,
      inputs: layers[i]!.inputs,
      recipeName: plannedFor(layers[i]!, options.layers)?.name ?? null,
    })),
  );
  return {
    format: "cupel-report/1",
    createdAt: new Date(clock.now()).toISOString(),
    environment: reportEnvironment(cpu),
    seed,
    recipe: options.recipe,
    original: await describe("original"),
    compressed: await describe("compressed"),
    accuracy: answers.accuracy,
    agreement: answers.agreement,
    layers: rows,
    firstBadLayer: judgement.firstBad,
    changed: {
      count: answers.changed.length,
      shown: await withThumbnails(spreadOver(answers.changed, shownChanges), pictures, signal),
    },
    spatial: await spatialMaps(compared, sampled),
    fusion,
    tradeOff: options.tradeOff,
    calibration: options.calibration,
    notes: reportNotes({
      cpu,
      harmless: judgement.harmless,
      broken: evaluations.original.broken,
      pictures: evaluations.original.indices.length,
      compared: compared.pictures,
      labelled: answers.accuracy !== null,
      latency,
      memoryKnown: memory.original.wholeProcessBytes !== null,
    }),
  };
}

async function readInferred(path: string): Promise<Model> {
  const model = await readModelFile(path);
  inferShapes(model);
  return model;
}

function compareLayers(
  paths: Sides<string>,
  layers: readonly MatchedLayer[],
  pictures: PictureSource,
  { preprocessing, channelFactors, signal, progress }: MakeReportOptions,
  threads: number,
): Promise<ActivationComparison> {
  const taps = layers.map((layer) => layer.original.end);
  const activations = layers.map(({ name, counterpart }) => ({
    name,
    counterpart,
    channelFactors: channelFactors?.get(name) ?? null,
  }));
  const batchSize = comparedBatchSize(taps);
  const options = { batchSize, mappedPictures, threads, signal, progress };
  return compareActivations(paths, activations, pictures, preprocessing, options);
}

function evaluateBoth(
  paths: Sides<string>,
  { pictures, preprocessing, signal, progress }: MakeReportOptions,
  threads: number,
): Promise<Sides<Evaluation>> {
  const options = {
    threads: Math.max(1, Math.floor(threads / 2)),
    signal,
    progress,
  };
  return atOnce(paths, (path) => evaluate(path, pictures, preprocessing, options));
}

function segmentsOfBoth(layers: readonly MatchedLayer[]): Sides<readonly Segment[]> {
  return {
    original: layers.map((layer) => layer.original),
    compressed: layers.map((layer) => layer.compressed),
  };
}

function parametersOf({ graph }: Model): number {
  return countParameters(graph.nodes, constantValues(graph));
}

async function withThumbnails(
  changed: readonly ChangedAnswer[],
  pictures: PictureSource,
  signal: AbortSignal | undefined,
): Promise<ChangedPicture[]> {
  const shown: ChangedPicture[] = [];
  for (const { index, ...answers } of changed) {
    throwIfCancelled(signal, "The report");
    shown.push({ id: pictures.id(index), ...answers, thumbnail: await thumbnail(pictures, index) });
  }
  return shown;
}

async function spatialMaps(compared: ActivationComparison, sampled: PictureSource): Promise<SpatialMaps> {
  return {
    pictures: await Promise.all(
      compared.mapped.map(async (index) => ({
        id: sampled.id(index),
        thumbnail: await thumbnail(sampled, index),
      })),
    ),
    layers: [...compared.maps].map(([layer, maps]) => ({ layer, ...maps })),
  };
}
