/**
 * What INT8 costs networks that are no classifiers: a reader of text lines, a detector of text lines and one of
 * characters, all trained by others, on images that are drawn so that texts and boxes are known. Calibration sees
 * images of another seed. Needs a Python with Pillow to draw.
 */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { compress, defaultRecipe } from "@cupel/compress";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import {
  detection,
  type EvaluatedImages,
  evaluateAs,
  sequence,
  type Task,
  type TaskFigure,
} from "@cupel/predict";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { type Bar, type Benchmark, type BenchmarkContext, withoutData } from "./benchmark.ts";
import { megabytes, points, seconds, tableText } from "./figures.ts";
import { type Drawing, drawImages, hasPillow } from "./text/drawn-images.ts";
import { textBoxes } from "./text/text-boxes.ts";

interface Subject {
  readonly model: string;
  readonly preprocessing: string;
  readonly drawing: Drawing;
  readonly images: number;
  readonly measure: (context: Trial) => Promise<Measured>;
}

const subjects: readonly Subject[] = [
  {
    model: "ch_PP-OCRv4_rec_infer",
    preprocessing:
      "preset=tf,colour=bgr,layout=NCHW,crop=960x48,resize=fit-height,pad=127.5:end,multiple=320,interpolation=linear",
    drawing: "line",
    images: 2000,
    measure: (trial) => measureAs(sequence, trial),
  },
  {
    model: "ch_PP-OCRv4_det_infer",
    preprocessing:
      "colour=bgr,layout=NCHW,scale=1/255,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,resize=none,crop=640x480",
    drawing: "scene",
    images: 300,
    measure: (trial) => measureAs(textBoxes, trial),
  },
  {
    model: "ddddocr_common_det",
    preprocessing: "preset=raw,colour=bgr,resize=letter-box,pad=114:end,crop=416,interpolation=linear",
    drawing: "captcha",
    images: 500,
    measure: (trial) => measureAs(detection, trial),
  },
];

const calibrationImages = 128;
const seeds = { judged: 1, calibration: 2 };
/** Points of the first figure of the task. */
const mostLoss = 0.5;

export const textAccuracy: Benchmark = {
  name: "text-accuracy",
  claim: `INT8 costs a reader of text lines and detectors of lines and characters at most ${mostLoss} points each.`,
  peer: "the same models in float32",
  takes: "15 min; CUPEL_TEXT_IMAGES=N takes at most N images of each kind",
  async run(context) {
    if (context.data === null) return withoutData;
    if (!(await hasPillow(context.interpreter, context.signal)))
      return { kind: "skipped", reason: "no Python with Pillow; name one in CUPEL_PYTHON" };
    const rows: Row[] = [];
    for (const subject of subjects) {
      const path = modelPath(context.data, subject.model);
      if (path === null) {
        context.print(
          `${subject.model}: skipped: it is neither in CUPEL_DATA/models nor in CUPEL_ZOO (default zoo-models), which tools/zoo/export.py fills`,
        );
        continue;
      }
      rows.push(await measureSubject(subject, path, context));
      context.print(`${subject.model}:\n${table(rows.slice(-1))}\n`);
    }
    const quote = rows.map(quoteOf).join("; ");
    return { kind: "measured", figures: { seeds, rows }, bars: rows.map(barOf), quote };
  },
};

/** In the test data, else in CUPEL_ZOO, where the zoo keeps its models; null where it is in neither. */
function modelPath(data: string, model: string): string | null {
  const paths = [join(data, "models"), process.env.CUPEL_ZOO ?? "zoo-models"].map((folder) =>
    join(folder, `${model}.onnx`),
  );
  return paths.find((path) => existsSync(path)) ?? null;
}

interface Row extends Measured {
  readonly model: string;
  readonly images: number;
  readonly floatBytes: number;
  readonly bytes: number;
  readonly compressMs: number;
}

interface Trial {
  readonly path: string;
  readonly compressed: string;
  readonly images: Parameters<typeof evaluateAs>[2];
  readonly labels: string | null;
  readonly preprocessing: Parameters<typeof evaluateAs>[3];
  readonly context: BenchmarkContext;
}

interface Measured {
  readonly before: readonly TaskFigure[];
  readonly after: readonly TaskFigure[];
  readonly differences: readonly TaskFigure[];
}

async function measureSubject(subject: Subject, path: string, context: BenchmarkContext): Promise<Row> {
  await using folder = await openTemporaryFolder("bench");
  const { interpreter: python, signal, progress } = context;
  const { drawing, model: name } = subject;
  const most = Number(process.env.CUPEL_TEXT_IMAGES ?? subject.images);
  const draw = (count: number, seed: number) =>
    drawImages({ python, drawing, count, seed, folder: join(folder.path, `${seed}`), signal });
  const judged = await draw(Math.min(most, subject.images), seeds.judged);
  const calibration = await draw(Math.min(most, calibrationImages), seeds.calibration);

  const started = performance.now();
  const model = await readModelFile(path);
  const preprocessing = parsePreprocessing(subject.preprocessing, preprocessingFor([null, 3, null, null]));
  const { model: small } = await compress(model, {
    images: calibration.images,
    preprocessing,
    recipe: defaultRecipe(8),
    seed: 1,
    progress,
    signal,
  });
  const compressed = join(folder.path, "int8.onnx");
  const { bytes } = await writeModelFile(small, compressed);
  const compressMs = performance.now() - started;
  const measured = await subject.measure({ path, compressed, ...judged, preprocessing, context });
  const floatBytes = (await stat(path)).size;
  return { model: name, images: judged.images.length, floatBytes, bytes, compressMs, ...measured };
}

async function measureAs<Prediction, Evaluated extends EvaluatedImages, Difference>(
  task: Task<Prediction, Evaluated, Difference>,
  { path, compressed, images, labels, preprocessing, context: { progress, signal } }: Trial,
): Promise<Measured> {
  const evaluated = (model: string) =>
    evaluateAs(task, model, images, preprocessing, { labels, progress, signal, strict: true });
  const [before, after] = [await evaluated(path), await evaluated(compressed)];
  return {
    before: task.figures(before),
    after: task.figures(after),
    differences: task.differences(task.compare(before, after)),
  };
}

/** The difference of the first figure, by which the bar is. */
function differenceOf({ before: [first], differences }: Row): TaskFigure | undefined {
  return differences.find(({ name }) => first !== undefined && name.endsWith(first.name));
}

function barOf(row: Row): Bar {
  const difference = differenceOf(row);
  const loss = Number((-100 * (difference?.value ?? Number.NaN)).toFixed(6));
  return {
    claim: `${row.model}: <= ${mostLoss} points of ${row.before[0]?.name} lost`,
    measured: difference ? pointsText(difference) : "no figure",
    isMet: loss <= mostLoss,
    isExact: true,
  };
}

/** "-0.10 [-0.42, +0.22]": points, with the paired 95 % interval. */
function pointsText({ value, interval }: TaskFigure): string {
  const within = interval ? ` [${points(interval.low)}, ${points(interval.high)}]` : "";
  return `${points(value)}${within}`;
}

function table(rows: readonly Row[]): string {
  return tableText([
    ["figure", "float32", "INT8", "points, 95 % interval", "of"],
    ...rows.flatMap(({ before, after, differences }) => [
      ...before.map(({ name, value, of }, i) => {
        const difference = differences.find((each) => each.name.endsWith(name));
        return [name, percent(value), percent(after[i]?.value), difference ? pointsText(difference) : "", of];
      }),
      ...differences.slice(0, 1).map(({ name, value, of }) => [name, "", percent(value), "", of]),
    ]),
  ]);
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? "-" : `${(100 * fraction).toFixed(2)} %`;
}

function quoteOf(row: Row): string {
  const { model, images, floatBytes, bytes, before, after, compressMs } = row;
  const difference = differenceOf(row);
  return (
    `${model} ${megabytes(floatBytes)} to ${megabytes(bytes)}, made in ${seconds(compressMs)}: ${before[0]?.name} ` +
    `${percent(before[0]?.value)} to ${percent(after[0]?.value)}, ${difference ? pointsText(difference) : "-"} points on ${images} images`
  );
}
