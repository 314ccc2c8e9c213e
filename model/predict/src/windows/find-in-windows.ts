/** A classifier as a detector: what it knows of pictures as large as its input, looked for in windows of a larger one. */
import { baseErrors, throwIfCancelled } from "@cupel/base";
import { type Corner, type Image, openWindows, type PictureWindows, type Preprocessing } from "@cupel/vision";
import type { ClassPrediction } from "../classification/classification.ts";
import { softmaxOf } from "../classification/probabilities.ts";
import type { DetectionPrediction } from "../detection/prediction.ts";
import type { KnownPredictor } from "../predictor.ts";
import { defaultBatch } from "../run/predict-images.ts";
import { type ScoredWindows, windowBoxes } from "./window-boxes.ts";
import { cornersOf, windowGrid } from "./window-grid.ts";

export interface WindowOptions {
  /** Pixels of the scaled picture from one window to the next. Default: an eighth of the window's shorter side. */
  readonly stride?: number | undefined;
  /** Of the picture: things of twice the size are found at 0.5. Default: 1 alone. */
  readonly scales?: readonly number[] | undefined;
  /** Least score of a box, 0 to 1: how sure the window at its middle and those around are of its class. Default 0.5. */
  readonly threshold?: number | undefined;
  /**
   * The class of windows in which there is nothing, by index or name; null for a model that has none. Default: the
   * class called background, ok, good, normal, none, nothing, negative or no defect, if there is one.
   */
  readonly background?: number | string | null | undefined;
  /**
   * Of the window's sides that a box takes, one for all classes or one for each: a classifier does not say how large a
   * thing is. Default 0.5.
   */
  readonly size?: number | readonly number[] | undefined;
}

export interface FindOptions extends WindowOptions {
  /** Windows of all scales; a picture with more is refused. Default: any number. */
  readonly mostWindows?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Classifier = Pick<
  KnownPredictor<"classification">,
  "preprocessing" | "classes" | "classCount" | "predictBatch"
>;
type BatchSession = Parameters<Classifier["predictBatch"]>[1];

/** Told where nobody says a threshold. */
const defaultThreshold = 0.5;
/** Things are cropped with about as much around them. */
const defaultSize = 0.5;
/** A larger picture has nothing more to see. */
const mostScale = 4;
const nothing = /^_*(background|ok|good|normal|none|nothing|negative|no[ _-]?defect)_*$/i;
/** Runs under way: the next is made while the engine works. */
const runsAtOnce = 2;

/**
 * Decodes a picture and looks into it.
 * @param id names the picture in messages.
 * @param session runs the windows. Default: the predictor's own.
 * @throws what `openScales` and `findInScales` throw
 */
export async function findInWindows(
  image: Image,
  id: string,
  predictor: Classifier,
  options: FindOptions = {},
  session?: BatchSession,
): Promise<DetectionPrediction> {
  return await findInScales(await openScales(image, id, predictor, options), predictor, options, session);
}

/**
 * The picture at each of the scales.
 * @param memory bytes that it may take while it is read. Default 512 MB.
 * @throws OPTION_INVALID, IMAGES_UNREADABLE, CANCELLED, DEADLINE_EXCEEDED
 */
export async function openScales(
  image: Image,
  id: string,
  { preprocessing }: Pick<Classifier, "preprocessing">,
  options: FindOptions & { readonly memory?: number | undefined } = {},
): Promise<readonly PictureWindows[]> {
  const { memory, signal } = options;
  const { scales } = numbersOf(preprocessing, options);
  const pictures: PictureWindows[] = [];
  for (const scale of scales) {
    pictures.push(await openWindows(image, preprocessing, id, { scale, memory, signal }));
  }
  return pictures;
}

/**
 * @param session runs the windows. Default: the predictor's own.
 * @returns boxes from the highest score down, in pixels of the upright picture and within it; one box a thing.
 * @throws OPTION_INVALID, also for a picture of more windows than `mostWindows`; CANCELLED, DEADLINE_EXCEEDED, and what
 * `predictBatch` throws
 */
export async function findInScales(
  pictures: readonly PictureWindows[],
  predictor: Classifier,
  options: FindOptions = {},
  session?: BatchSession,
): Promise<DetectionPrediction> {
  const { preprocessing, classes: names } = predictor;
  const { mostWindows = Number.POSITIVE_INFINITY, signal } = options;
  const { stride, threshold } = numbersOf(preprocessing, options);
  const background = backgroundOf(names, options.background);
  const grids = pictures.map(({ scaled }) => windowGrid(scaled, preprocessing, stride));
  const count = grids.reduce((sum, { columns, rows }) => sum + columns.length * rows.length, 0);
  if (count > mostWindows) throw tooMany(pictures[0]!, count, mostWindows, stride);
  const all: ScoredWindows[] = [];
  for (const [i, picture] of pictures.entries()) {
    const grid = grids[i]!;
    const scores = await probabilitiesOf(picture, cornersOf(grid), predictor, session, signal);
    const { size, scaled } = picture;
    all.push({ grid, ...scores, scale: { x: scaled.width / size.width, y: scaled.height / size.height } });
  }
  const { size } = pictures[0]!;
  const shares = sharesOf(options.size, all[0]!.classes);
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const boxes = windowBoxes(all, { threshold, background, shares }).map((box) => ({
    classIndex: box.classIndex,
    className: names?.[box.classIndex] ?? null,
    score: box.score,
    left: within(box.left, size.width),
    top: within(box.top, size.height),
    right: within(box.right, size.width),
    bottom: within(box.bottom, size.height),
  }));
  return { boxes, size };
}

/** Of each window, in order. */
async function probabilitiesOf(
  picture: PictureWindows,
  corners: readonly Corner[],
  predictor: Classifier,
  session: BatchSession,
  signal: AbortSignal | undefined,
): Promise<Pick<ScoredWindows, "probabilities" | "classes">> {
  const perRun = Math.max(1, defaultBatch(predictor.preprocessing));
  const rows: Float32Array[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < corners.length) {
      throwIfCancelled(signal, "Looking into windows");
      const from = next;
      next += perRun;
      const tensors = await picture.tensors(corners.slice(from, from + perRun));
      const count = tensors.dims[0];
      const batch = {
        ...tensors,
        indices: Array.from({ length: count }, (_, i) => from + i),
        labels: new Array<null>(count).fill(null),
        sizes: new Array<PictureWindows["size"]>(count).fill(predictor.preprocessing),
      };
      const predictions = await predictor.predictBatch(batch, session);
      for (const [i, prediction] of predictions.entries()) rows[from + i] = rowOf(prediction);
    }
  };
  await Promise.all(Array.from({ length: runsAtOnce }, lane));
  const classes = rows[0]!.length;
  const probabilities = new Float32Array(rows.length * classes);
  for (const [i, row] of rows.entries()) probabilities.set(row, i * classes);
  return { probabilities, classes };
}

function rowOf({ scores, areProbabilities }: ClassPrediction): Float32Array {
  if (areProbabilities) return scores;
  const at = softmaxOf(scores);
  return scores.map((_, index) => at(index));
}

function backgroundOf(names: readonly string[] | null, given: WindowOptions["background"]): number | null {
  if (given === null || typeof given === "number") return given;
  const found = names?.findIndex((name) => (given === undefined ? nothing.test(name) : name === given)) ?? -1;
  if (found >= 0) return found;
  if (given === undefined) return null;
  throw invalid(`"background" is the name or the index of a class; the model has none called "${given}"`);
}

function sharesOf(size: WindowOptions["size"], classes: number): readonly number[] {
  const shares = typeof size === "object" ? size : new Array<number>(classes).fill(size ?? defaultSize);
  if (shares.length === classes && shares.every((share) => share > 0 && share <= 2)) return shares;
  throw invalid(
    `"size" is a number of more than 0 and at most 2, or one for each of the ${classes} classes, not ${size}`,
  );
}

/** Checked, with what is meant where nothing is said. */
function numbersOf({ width, height }: Preprocessing, options: WindowOptions) {
  const { scales = [1], threshold = defaultThreshold } = options;
  const { stride = Math.max(1, Math.floor(Math.min(width, height) / 8)) } = options;
  if (!(Number.isInteger(stride) && stride >= 1)) {
    throw invalid(`"stride" is a whole number of pixels, at least 1, not ${stride}`);
  }
  if (scales.length === 0 || !scales.every((scale) => scale > 0 && scale <= mostScale)) {
    throw invalid(
      `"scales" are numbers of more than 0 and at most ${mostScale}, one or more, not [${scales.join(", ")}]`,
    );
  }
  if (!(threshold >= 0 && threshold <= 1)) {
    throw invalid(`"threshold" is a number of 0 to 1, not ${threshold}`);
  }
  return { stride, scales, threshold };
}

function tooMany({ size }: PictureWindows, count: number, most: number, stride: number) {
  return invalid(
    `A picture of ${size.width} x ${size.height} pixels has ${count} windows ${stride} pixels apart, and at most ${most} are looked into. Send a smaller picture, or give a larger "stride"`,
  );
}

function invalid(what: string) {
  return baseErrors.error("OPTION_INVALID", `${what}.`);
}
