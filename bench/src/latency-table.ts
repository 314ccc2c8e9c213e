/**
 * Whether a table of layer times, measured of one network, tells what narrower ones take: ResNet-20 and MobileNetV2, in
 * float32 and 8 bits, each against itself at two other widths, which the table has never seen whole.
 */
import {
  compress,
  integerNodes,
  measureTable,
  parseRecipe,
  predictLatency,
  stageForm,
} from "@cupel/compress";
import { encodeModel, type Model } from "@cupel/onnx";
import { measureLatency } from "@cupel/runtime";
import { mobilenetV2, resnetCifar } from "@cupel/train";
import { preprocessingFor } from "@cupel/vision";
import type { Bar, Benchmark, BenchmarkContext } from "./benchmark.ts";
import { seconds, tableText } from "./figures.ts";
import { syntheticImages } from "./images/synthetic-images.ts";

const rounds = 40;
const errorBar = 0.1;
const classes = 10;

interface Family {
  readonly name: string;
  readonly side: number;
  readonly make: (width: number) => Model;
  /** The first is what the table is measured of. */
  readonly widths: readonly [number, ...number[]];
}

const families: readonly Family[] = [
  {
    name: "ResNet-20",
    side: 32,
    make: (width) => resnetCifar({ depth: 20, classes, input: [3, 32, 32], width }),
    widths: [32, 20, 12],
  },
  {
    name: "MobileNetV2",
    side: 96,
    make: (width) => mobilenetV2({ classes, input: [3, 96, 96], width }),
    widths: [1, 0.7, 0.5],
  },
];

const forms = ["float32", "int8"] as const;
type Form = (typeof forms)[number];

interface Row {
  readonly network: string;
  readonly form: Form;
  readonly width: number;
  readonly predictedMs: number;
  readonly measuredMs: number;
}

export const latencyTable: Benchmark = {
  name: "latency-table",
  claim: "times of layers by width, measured of one network, predict the time of narrower ones within 10 %",
  peer: "the narrower networks themselves, run whole",
  takes: "4 min",
  async run(context) {
    const rows: Row[] = [];
    for (const family of families)
      for (const form of forms) rows.push(...(await rowsOf(family, form, context)));
    context.print(`\n${table(rows)}`);
    const narrower = rows.filter(
      ({ network, width }) => families.find(({ name }) => name === network)!.widths[0] !== width,
    );
    const worst = Math.max(...narrower.map((row) => Math.abs(errorOf(row))));
    const bars: Bar[] = narrower.map((row) => ({
      claim: `${row.network} of width ${row.width} in ${row.form}: predicted within ${100 * errorBar} %`,
      measured: percentText(errorOf(row)),
      isMet: Math.abs(errorOf(row)) <= errorBar,
      isExact: false,
    }));
    return {
      kind: "measured",
      figures: { rounds, rows },
      bars,
      quote: `Of ${narrower.length} narrower networks the table predicts the time within ${(100 * worst).toFixed(1)} %.`,
    };
  },
};

async function rowsOf(family: Family, form: Form, { print, signal }: BenchmarkContext): Promise<Row[]> {
  const { name, make, widths, side } = family;
  const networks = await Promise.all(widths.map((width) => networkOf(make(width), form, side, signal)));
  const [first] = networks;
  const started = performance.now();
  const found = await measureTable(first!.model, { ...first!, signal });
  print(`${name} in ${form}: ${found.layers.length} points in ${seconds(performance.now() - started)}`);
  const measured = await measureLatency(
    networks.map(({ whole }, i) => ({ name: `${widths[i]}`, model: encodeModel(whole) })),
    { threads: 1, runs: rounds, signal },
  );
  return networks.map((network, i) => ({
    network: name,
    form,
    width: widths[i]!,
    predictedMs: predictLatency(network.model, found, network),
    measuredMs: measured[i]!.latency.median,
  }));
}

async function networkOf(given: Model, form: Form, side: number, signal: AbortSignal) {
  const preprocessing = preprocessingFor(["N", 3, side, side]);
  const model = await stageForm(given, { threads: 1, open: undefined, signal });
  if (form === "float32") return { preprocessing, model, whole: model, integer: new Set<string>() };
  const { model: whole } = await compress(given, {
    images: syntheticImages({ count: 16, side }),
    preprocessing,
    recipe: onIntegers,
    threads: 1,
    signal,
  });
  return { preprocessing, model, whole, integer: integerNodes(model, preprocessing, "wherever-possible") };
}

const onIntegers = parseRecipe(
  {
    stages: [
      { stage: "clean" },
      { stage: "calibrate", method: "min-max" },
      { stage: "quantise", kernels: "wherever-possible" },
    ],
  },
  "the recipe of the benchmark",
);

const errorOf = ({ predictedMs, measuredMs }: Row): number => predictedMs / measuredMs - 1;

const percentText = (share: number): string => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;

function table(rows: readonly Row[]): string {
  return tableText([
    ["network", "form", "width", "predicted", "measured", "error"],
    ...rows.map((row) => [
      row.network,
      row.form,
      String(row.width),
      `${row.predictedMs.toFixed(3)} ms`,
      `${row.measuredMs.toFixed(3)} ms`,
      percentText(errorOf(row)),
    ]),
  ]);
}
