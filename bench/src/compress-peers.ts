/**
 * Whatever makes networks smaller, beside Cupel: from the same images, with as many threads, and measured by one judge in
 * the same engine. Bytes, accuracy, latency, and the time it took; who leads in each.
 */
import { join } from "node:path";
import { openTemporaryFolder, reasonOf } from "@cupel/base";
import { readModelFile } from "@cupel/onnx";
import { evaluate } from "@cupel/predict";
import { openImages, parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { type Benchmark, type BenchmarkContext, withoutData } from "./benchmark.ts";
import { type Judged, judge, latenciesOf } from "./compress-peers/judge.ts";
import { leaders } from "./compress-peers/leaders.ts";
import { type Made, makeByCupel, makeByPeer, materialOf } from "./compress-peers/made.ts";
import { differenceText, type Measured, measuredText } from "./compress-peers/measured.ts";
import { type CupelRow, cupelRows, type PeerRow, peerRows } from "./compress-peers/rows.ts";
import { type Settings, settingsOf } from "./compress-peers/settings.ts";
import { megabytes, seconds } from "./figures.ts";
import { packageOf, packagesOf } from "./peer/compress-further.ts";

interface Subject {
  readonly model: string;
  /** Relative to the data folder: what calibrates, chooses and trains. */
  readonly train: string;
  /** What judges, and nothing else. */
  readonly evaluation: string;
  readonly preprocessing: string;
}

const subjects: readonly Subject[] = [
  {
    model: "resnet50_w32_pcb",
    train: "pcb/train-images-idx3-ubyte.gz",
    evaluation: "pcb/test-images-idx3-ubyte.gz",
    preprocessing: "preset=tf,resize=none",
  },
  {
    model: "resnet20_cifar10",
    train: "cifar10/train_a.bin.gz",
    evaluation: "cifar10/test_a.bin.gz",
    preprocessing: "preset=imagenet,resize=none",
  },
];

const threads = 1;

export const compressPeers: Benchmark = {
  name: "compress-peers",
  claim:
    "Of models that lose at most 0.7 points no peer's is smaller, faster or quicker to make, and none is more accurate beyond chance.",
  peer: "ONNX Runtime's quantiser, NNCF without and with accuracy control, torch-pruning, PyTorch's quantisation-aware training",
  takes: "3 h",
  async run(context) {
    if (context.data === null) return withoutData;
    const settings = settingsOf(process.env);
    const contenders = await contendersOf(context, settings);
    const results: SubjectResult[] = [];
    for (const subject of subjects) {
      if (settings.models && !settings.models.includes(subject.model)) continue;
      results.push(await measureSubject(subject, contenders, settings, context.data, context));
    }
    return {
      kind: "measured",
      figures: { settings, threads, results: results.map(withoutScores) },
      bars: results.flatMap(({ model, rows }) => leaders(model, rows)),
      quote: results.map(quoteOf).join("; "),
    };
  },
};

type Contender = (CupelRow & { readonly isCupel: true }) | (PeerRow & { readonly isCupel: false });

/** Those that are asked for and that can be run; of the others it says why not. */
async function contendersOf(context: BenchmarkContext, { rows }: Settings): Promise<Contender[]> {
  const isAsked = ({ by }: Contender) => rows === null || rows.some((start) => by.startsWith(start));
  const all: Contender[] = [
    ...cupelRows.map((row) => ({ ...row, isCupel: true as const })),
    ...peerRows.map((row) => ({ ...row, isCupel: false as const })),
  ];
  const { python } = context;
  if (python === null) context.print("No Python with onnx, onnxruntime and sympy (CUPEL_PYTHON): no peers.");
  const present = python === null ? new Set() : await packagesOf(python, Object.values(packageOf));
  return all.filter(isAsked).filter((row) => {
    if (row.isCupel || present.has(packageOf[row.peer])) return true;
    if (python !== null) context.print(`${row.by}: skipped: CUPEL_PYTHON has no ${packageOf[row.peer]}`);
    return false;
  });
}

interface SubjectResult {
  readonly model: string;
  readonly floatBytes: number;
  readonly floatTop1: number;
  readonly rows: readonly Measured[];
  readonly failures: readonly { readonly by: string; readonly reason: string }[];
}

/** A model before its latency is known. */
interface Candidate extends Judged, Made {
  readonly by: string;
  readonly isCupel: boolean;
  readonly top1: number;
  readonly top1OfSeeds: readonly number[];
}

async function measureSubject(
  subject: Subject,
  contenders: readonly Contender[],
  { training, epochs, seeds }: Settings,
  data: string,
  context: BenchmarkContext,
): Promise<SubjectResult> {
  const { print, signal } = context;
  await using folder = await openTemporaryFolder("bench");
  const path = join(data, "models", `${subject.model}.onnx`);
  const { graph } = await readModelFile(path);
  const preprocessing = parsePreprocessing(subject.preprocessing, preprocessingFor(graph.inputs[0]!.shape!));
  const network = subject.model;
  const material = await materialOf(
    { network, path, preprocessing, folder: folder.path, threads, epochs },
    await openImages(join(data, subject.train)),
    training,
  );
  const evaluation = await openImages(join(data, subject.evaluation));
  const reference = await evaluate(path, evaluation, preprocessing, { threads, signal });
  const judged = { evaluation, preprocessing, reference, threads, signal };
  const float = await judge(path, judged);
  print(`${network}: float32 ${megabytes(float.bytes)}, top-1 ${(100 * reference.top1!).toFixed(2)}`);

  const candidates: Candidate[] = [];
  const failures: { by: string; reason: string }[] = [];
  for (const row of contenders) {
    const tried: (Judged & Made)[] = [];
    try {
      for (const seed of row.trains ? seeds : seeds.slice(0, 1)) {
        const made = row.isCupel
          ? await makeByCupel(row, material, seed, context)
          : await makeByPeer(row, material, seed, context.python!, signal);
        tried.push({ ...made, ...(await judge(made.path, judged)) });
      }
    } catch (thrown) {
      // The others still have their figures to give.
      signal.throwIfAborted();
      failures.push({ by: row.by, reason: reasonOf(thrown) });
      print(`  ${row.by}: failed: ${reasonOf(thrown)}`);
      continue;
    }
    const candidate = { by: row.by, isCupel: row.isCupel, ...medianOf(tried) };
    candidates.push(candidate);
    print(
      `  ${row.by}: ${megabytes(candidate.bytes)}, ${differenceText(candidate)}, made in ${seconds(1000 * candidate.seconds)}`,
    );
  }
  const rows = await withLatencies(path, candidates, signal);
  print(`\n${measuredText(rows)}\n`);
  return { model: network, floatBytes: float.bytes, floatTop1: reference.top1!, rows, failures };
}

/** Of the models of all seeds the one of median accuracy; of an even number the lower one. */
function medianOf(tried: readonly (Judged & Made)[]) {
  const sorted = [...tried].sort((a, b) => a.evaluation.top1! - b.evaluation.top1!);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return {
    ...median,
    top1: median.evaluation.top1!,
    top1OfSeeds: tried.map((each) => each.evaluation.top1!),
  };
}

async function withLatencies(
  float: string,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<Measured[]> {
  const models = candidates.map(({ by, path }) => ({ name: by, model: path }));
  const [, ...latencies] = await latenciesOf([{ name: "float32", model: float }, ...models], threads, signal);
  return candidates.map(({ path: _, ...candidate }, i) => ({
    ...candidate,
    latencyMs: latencies[i]!.latency,
    speed: latencies[i]!.ratio,
  }));
}

/** The scores of every image would make the result a hundred times as long. */
function withoutScores({ rows, ...result }: SubjectResult) {
  return { ...result, rows: rows.map(({ evaluation: _, ...row }) => row) };
}

function quoteOf({ model, floatBytes, rows }: SubjectResult): string {
  const told = rows.map((row) => `${row.by} ${megabytes(row.bytes)} at ${differenceText(row)}`);
  return `${model}, ${megabytes(floatBytes)}: ${told.join(", ")}`;
}
