/**
 * A classifier as a detector: circuit boards of 640 x 640, whose defects are looked for in windows of 64 x 64 by a
 * network that was trained on crops of 64 x 64. Precision and recall against the boxes that people drew.
 *
 * The least score is chosen on crops that the network was trained on, and on nothing else; so is everything else that
 * could be chosen: the step and the size of a box are the library's own.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, setOwn, spreadOf } from "@cupel/base";
import { compress, defaultRecipe } from "@cupel/compress";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import { type DetectedBox, findInWindows, type KnownPredictor, openPredictor } from "@cupel/predict";
import {
  classNames,
  drawBoxes,
  type Image,
  type ImageSource,
  openImages,
  parsePreprocessing,
  preprocessingFor,
  type Size,
  sample,
} from "@cupel/vision";
import { type Benchmark, type BenchmarkContext, withoutData } from "./benchmark.ts";
import { tableText } from "./figures.ts";

/** Of a found and a drawn box, so that they are the same. */
const leastOverlap = 0.33;
/** Crops that the least score is chosen on: of defects, and as many of nothing. */
const cropsOfEach = 300;
/** Pixels around the middle of a crop in which a box is looked for. */
const margin = 16;
const seed = 1;
/** Defects of a board: 6,873 crops of defects come from 1,000 of them. */
const defectsOfBoard = 6.873;
/** Windows of a board that do not overlap: places where there may be nothing. */
const placesOfBoard = (640 / 64) ** 2;

type Classifier = KnownPredictor<"classification">;

interface Drawn {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly classIndex: number;
}

interface Board {
  readonly name: string;
  readonly image: Image;
  readonly boxes: readonly Drawn[];
}

export const windowDetector: Benchmark = {
  name: "window-detector",
  claim:
    "A classifier of crops finds defects on whole boards: precision and recall at an overlap of 0.33, in float32 and INT8; no bar.",
  peer: "boxes that people drew; CUPEL_DRAWINGS=FOLDER writes the boards with what was found and, in grey without text, what was drawn",
  takes: "12 min",
  async run(context) {
    const { data, print } = context;
    if (data === null) return withoutData;
    const boards = await readBoards(join(data, "pcb", "full"));
    const train = await openImages(join(data, "pcb", "train-images-idx3-ubyte.gz"));
    const names = (await classNames(join(data, "pcb", "classes.txt"), "."))!;
    await using folder = await openTemporaryFolder("bench");
    const floats = join(data, "models", "resnet50_w32_pcb.onnx");
    const integers = join(folder.path, "int8.onnx");
    await compressTo(integers, floats, train, context);
    const figures: Record<string, unknown> = {};
    const quotes: string[] = [];
    for (const [by, path] of [
      ["INT8", integers],
      ["float32", floats],
    ] as const) {
      await using predictor = await openPredictor(path, {
        taskName: "classification",
        preprocessing,
        classes: names,
        threads: 1,
      });
      const chosen = await chooseThreshold(predictor, train, context);
      print(
        `${by}: least score ${chosen.threshold} (F1 ${chosen.f1.toFixed(3)} expected, from ${2 * cropsOfEach} crops of training)`,
      );
      const measured = await measure(predictor, boards, chosen.threshold, by, context);
      setOwn(figures, by, { ...chosen, ...measured });
      const { precision, recall, f1 } = measured.all;
      quotes.push(
        `${by}: precision ${share(precision)}, recall ${share(recall)}, F1 ${share(f1)}, ${measured.msOfBoard.median.toFixed(0)} ms a board`,
      );
    }
    return {
      kind: "measured",
      figures: { seed, cropsOfEach, leastOverlap, boards: boards.length, ...figures },
      bars: [],
      quote: quotes.join("; "),
    };
  },
};

const preprocessing = parsePreprocessing("preset=tf,resize=none", preprocessingFor(["N", 1, 64, 64]));

async function readBoards(folder: string): Promise<Board[]> {
  const [, ...lines] = (await readFile(join(folder, "boxes.csv"), "utf8")).trim().split(/\r?\n/);
  const boxesOf = Map.groupBy(lines, (line) => line.slice(0, line.indexOf(",")));
  return [...boxesOf].map(([name, rows]) => ({
    name,
    image: { kind: "file", path: join(folder, `${name}_test.jpg`) },
    boxes: rows.map((row) => {
      const [left, top, right, bottom, classIndex] = row.split(",").slice(1).map(Number);
      return { left: left!, top: top!, right: right!, bottom: bottom!, classIndex: classIndex! };
    }),
  }));
}

async function compressTo(
  output: string,
  path: string,
  images: ImageSource,
  { progress, signal }: BenchmarkContext,
): Promise<void> {
  const source = await readModelFile(path);
  const recipe = defaultRecipe(8, {});
  const { model } = await compress(source, { images, preprocessing, recipe, seed, progress, signal });
  await writeModelFile(model, output);
}

/** Below it nothing is looked at. */
const lowest = 0.05;

/** The least score with the highest F1 that crops of training, as pictures of their own, let expect of a board. */
async function chooseThreshold(predictor: Classifier, train: ImageSource, { signal }: BenchmarkContext) {
  const source = sample(train, train.length, seed);
  const seen: { readonly label: number; readonly best: DetectedBox | undefined }[] = [];
  const left = { defects: cropsOfEach, clear: cropsOfEach };
  for (let i = 0; i < source.length && left.defects + left.clear > 0; i++) {
    const label = source.label(i)!;
    const kind = label === 0 ? "clear" : "defects";
    if (left[kind] === 0) continue;
    left[kind]--;
    const image = await source.image(i);
    const { boxes, size } = await findInWindows(image, source.id(i), predictor, {
      threshold: lowest,
      signal,
    });
    seen.push({ label, best: boxes.find((box) => isInMiddle(box, size)) });
  }
  const defects = seen.filter(({ label }) => label !== 0);
  const clear = seen.filter(({ label }) => label === 0);
  const shareOf = <T>(all: readonly T[], is: (each: T) => boolean) => all.filter(is).length / all.length;
  const curve = Array.from({ length: 19 }, (_, i) => (i + 1) * lowest).map((least) => {
    const threshold = Number(least.toFixed(2));
    const right = shareOf(
      defects,
      ({ label, best }) => best?.classIndex === label && best.score >= threshold,
    );
    const wrong = shareOf(
      defects,
      ({ label, best }) => best !== undefined && best.classIndex !== label && best.score >= threshold,
    );
    const falsely = shareOf(clear, ({ best }) => best !== undefined && best.score >= threshold);
    const found = defectsOfBoard * right;
    const extra = defectsOfBoard * wrong + placesOfBoard * falsely;
    return { threshold, right, wrong, falsely, f1: (2 * found) / (found + extra + defectsOfBoard) };
  });
  const best = curve.reduce((most, each) => (each.f1 > most.f1 ? each : most));
  return { threshold: best.threshold, f1: best.f1, curve };
}

function isInMiddle(box: DetectedBox, size: Size): boolean {
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  return Math.max(Math.abs(x - size.width / 2), Math.abs(y - size.height / 2)) < margin;
}

interface Counts {
  found: number;
  drawn: number;
  right: number;
}

async function measure(
  predictor: Classifier,
  boards: readonly Board[],
  threshold: number,
  by: string,
  { print, signal }: BenchmarkContext,
) {
  const names = predictor.classes!;
  const counts = names.map((): Counts => ({ found: 0, drawn: 0, right: 0 }));
  const anyClass: Counts = { found: 0, drawn: 0, right: 0 };
  const middles: Counts = { found: 0, drawn: 0, right: 0 };
  const times: number[] = [];
  const drawings = process.env.CUPEL_DRAWINGS;
  for (const { name, image, boxes } of boards) {
    const begun = performance.now();
    const { boxes: found } = await findInWindows(image, name, predictor, { threshold, signal });
    times.push(performance.now() - begun);
    for (const { classIndex } of boxes) counts[classIndex]!.drawn++;
    for (const { classIndex } of found) counts[classIndex]!.found++;
    for (const { classIndex } of matched(found, boxes, (a, b) => sameClass(a, b) && overlaps(a, b))) {
      counts[classIndex]!.right++;
    }
    add(anyClass, found.length, boxes.length, matched(found, boxes, overlaps).length);
    add(
      middles,
      found.length,
      boxes.length,
      matched(found, boxes, (a, b) => sameClass(a, b) && holdsMiddle(a, b)).length,
    );
    if (drawings !== undefined) await writeDrawing(join(drawings, by), { name, image, boxes }, found);
  }
  const all: Counts = { found: 0, drawn: 0, right: 0 };
  for (const { found, drawn, right } of counts) add(all, found, drawn, right);
  const rows = [
    ...counts.map((count, c) => [names[c]!, count] as const).filter(([, { drawn }]) => drawn > 0),
    ["all", all] as const,
    ["all, whatever the class", anyClass] as const,
    ["all, by the middle alone", middles] as const,
  ];
  print(
    tableText([
      ["", "drawn", "found", "right", "precision", "recall", "F1"],
      ...rows.map(([row, count]) => {
        const { precision, recall, f1 } = ratesOf(count);
        const cells = [count.drawn, count.found, count.right].map(String);
        return [row, ...cells, share(precision), share(recall), share(f1)];
      }),
    ]),
  );
  return {
    all: ratesOf(all),
    anyClass: ratesOf(anyClass),
    middles: ratesOf(middles),
    classes: Object.fromEntries(names.map((name, c) => [name, { ...counts[c]!, ...ratesOf(counts[c]!) }])),
    msOfBoard: spreadOf(times),
  };
}

function add(counts: Counts, found: number, drawn: number, right: number): void {
  counts.found += found;
  counts.drawn += drawn;
  counts.right += right;
}

function ratesOf({ found, drawn, right }: Counts) {
  return { precision: right / found, recall: right / drawn, f1: (2 * right) / (found + drawn) };
}

/** The best first, each takes the first drawn box that is the same and not yet taken. */
function matched(
  found: readonly DetectedBox[],
  drawn: readonly Drawn[],
  isSame: (found: DetectedBox, drawn: Drawn) => boolean,
): DetectedBox[] {
  const free = new Set(drawn);
  return found.filter((box) => {
    const same = [...free]
      .filter((each) => isSame(box, each))
      .sort((a, b) => overlap(box, b) - overlap(box, a))[0];
    return same !== undefined && free.delete(same);
  });
}

const sameClass = (a: DetectedBox, b: Drawn): boolean => a.classIndex === b.classIndex;
const overlaps = (a: Omit<Drawn, "classIndex">, b: Drawn): boolean => overlap(a, b) >= leastOverlap;

function overlap(a: Omit<Drawn, "classIndex">, b: Drawn): number {
  const width = Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left));
  const height = Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const area = (box: Omit<Drawn, "classIndex">) => (box.right - box.left) * (box.bottom - box.top);
  return (width * height) / (area(a) + area(b) - width * height);
}

function holdsMiddle(a: DetectedBox, b: Drawn): boolean {
  const [x, y] = [(a.left + a.right) / 2, (a.top + a.bottom) / 2];
  return x >= b.left && x <= b.right && y >= b.top && y <= b.bottom;
}

async function writeDrawing(
  folder: string,
  { name, image, boxes }: Board,
  found: readonly DetectedBox[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const grey = 6;
  const png = await drawBoxes(
    image,
    [
      ...found.map((box) => ({
        ...box,
        text: `${box.className} ${box.score.toFixed(2)}`,
        group: box.classIndex % grey,
      })),
      ...boxes.map((box) => ({ ...box, text: "", group: grey })),
    ],
    name,
  );
  await writeFile(join(folder, `${name}.png`), png);
}

function share(fraction: number): string {
  return Number.isNaN(fraction) ? "-" : `${(100 * fraction).toFixed(1)} %`;
}
