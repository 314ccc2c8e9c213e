/** Makes the model of a row: by Cupel in this process, by a peer in Python. Both from the same images. */
import { join } from "node:path";
import { compress } from "@cupel/compress";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import { cpuFeatures, int8Advice } from "@cupel/runtime";
import { type ImageSource, type Preprocessing, sample, subset } from "@cupel/vision";
import type { BenchmarkContext } from "../benchmark.ts";
import { compressByPeer, type PeerTask } from "../peer/compress-further.ts";
import { writeTensors } from "../peer/static-quantiser.ts";
import type { CupelRow, PeerRow } from "./rows.ts";

/** What every row starts from. */
export interface Material {
  /** The network's name, as the test data calls it. */
  readonly network: string;
  /** Path of the float model. */
  readonly path: string;
  readonly preprocessing: Preprocessing;
  /** To calibrate with and to choose by. Cupel splits them itself. */
  readonly images: ImageSource;
  readonly training: ImageSource;
  /** The same as tensors, the first split in two. */
  readonly tensors: Pick<PeerTask, "calibration" | "selection" | "training">;
  /** Temporary folder for what is made. */
  readonly folder: string;
  readonly threads: number;
  readonly epochs: number;
}

export interface Made {
  readonly path: string;
  /** Of the work alone. */
  readonly seconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
  /** Versions of the packages that made it; empty for Cupel. */
  readonly packages: Readonly<Record<string, string>>;
}

const mostCalibrationImages = 512;
const mostSelectionImages = 1000;
/** Draws the images. What trains has seeds of its own. */
const drawn = 1;

/** Cupel keeps half of the images apart, 1000 at most, and calibrates with 512 of the others. */
export async function materialOf(
  subject: Pick<Material, "network" | "path" | "preprocessing" | "folder" | "threads" | "epochs">,
  train: ImageSource,
  trainingImages: number | null,
): Promise<Material> {
  const images = sample(train, Math.min(train.length, 2 * mostSelectionImages), drawn);
  const half = Math.floor(images.length / 2);
  const numbers = [...Array(images.length).keys()];
  const calibration = subset(images, numbers.slice(0, Math.min(half, mostCalibrationImages)));
  const selection = subset(images, numbers.slice(half));
  const training = trainingImages === null ? train : sample(train, trainingImages, drawn);
  const written = (source: ImageSource, name: string) =>
    writeTensors(source, subject.preprocessing, join(subject.folder, `${name}.bin`));
  return {
    ...subject,
    images,
    training,
    tensors: {
      calibration: await written(calibration, "calibration"),
      selection: { ...(await written(selection, "selection")), labels: labelsOf(selection) },
      training: await written(training, "training"),
    },
  };
}

function labelsOf(source: ImageSource): number[] {
  return Array.from({ length: source.length }, (_, i) => source.label(i) ?? -1);
}

export async function makeByCupel(
  { by, recipe, trains }: CupelRow,
  material: Material,
  seed: number,
  { progress, signal }: BenchmarkContext,
): Promise<Made> {
  const path = join(material.folder, fileName(by, seed));
  const { images, training, preprocessing, threads } = material;
  const model = await readModelFile(material.path);
  const started = performance.now();
  const used = process.cpuUsage();
  const result = await compress(model, {
    images,
    ...(trains ? { training } : {}),
    preprocessing,
    recipe: recipe(material.epochs),
    seed,
    threads,
    progress,
    signal,
  });
  await writeModelFile(result.model, path);
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - started) / 1000;
  return { path, seconds, processorSeconds: (user + system) / 1e6, packages: {} };
}

export async function makeByPeer(
  { by, peer, options }: PeerRow,
  { network, path: model, tensors, folder, threads, epochs }: Material,
  seed: number,
  python: string,
  signal: AbortSignal,
): Promise<Made> {
  const output = join(folder, fileName(by, seed));
  const { reduceRange } = int8Advice(cpuFeatures());
  const task = { model, output, ...tensors, seed, threads, epochs, reduceRange };
  const made = await compressByPeer(python, peer, { ...task, options: { network, ...options } }, signal);
  return { path: output, ...made };
}

function fileName(by: string, seed: number): string {
  return `${by.replaceAll(/\W+/g, "-")}-${seed}.onnx`;
}
