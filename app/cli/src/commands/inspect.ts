/** `cupel inspect`: what a model file holds, without running images through it. */
import { bytesText, CupelError, own } from "@cupel/base";
import {
  assertLoadable,
  cloneModel,
  type GraphSummary,
  graphSummary,
  inferShapes,
  type Model,
  readModelFile,
  type Shape,
  separateNodeNames,
  sortTopologically,
} from "@cupel/onnx";
import {
  bytesOnDisk,
  classesFromMetadata,
  inputsOf,
  likelyImageInput,
  ownPreprocessing,
} from "@cupel/predict";
import { engineVersion, measureMemory, predictMemory, type TrialFeed } from "@cupel/runtime";
import { fedAxes, type Preprocessing, preprocessingText, tensorDims } from "@cupel/vision";
import { flag, integer, invalid } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { limitOptions, tryModel } from "../input/isolation.ts";
import { modelFile } from "../input/model-file.ts";
import { givenInputs, inputsOption } from "../input/model-options.ts";
import { memoryText } from "../inspect/memory-facts.ts";
import { countText, magnitudeText } from "../terminal/figures.ts";
import { factsText, tableText } from "../terminal/table.ts";
import type { Command, CommandContext } from "./command.ts";

const layersFlag = flag({
  name: "layers",
  summary: "List every layer: output, parameters, bytes, operations",
});

const memoryFlag = flag({
  name: "memory",
  summary:
    "Where its memory is: weights, activations by lifetime and what shares memory, the peak and the nodes that set it, predicted and measured",
});
const batchOption = integer({
  name: "batch",
  placeholder: "N",
  min: 1,
  summary: "With --memory: images a run, where the model leaves that open",
  fallback: "1",
});

export const inspectCommand: Command = {
  description:
    "The engine loads the model and runs it once on random values, in a process of its own with limits of memory and time. One that it cannot run " +
    "is shown all the same, and the exit status is not 0.",
  operands: [{ name: "MODEL", summary: "The ONNX model, or - for standard input", readsStandardInput: true }],
  options: [layersFlag, memoryFlag, batchOption, inputsOption, ...limitOptions],
  examples: [
    { line: "cupel inspect resnet50.onnx", says: "the summary" },
    { line: "cupel inspect resnet50.onnx --layers", says: "and every layer" },
    { line: "cupel inspect resnet50.onnx --memory", says: "and where its memory is" },
    { line: "cupel inspect resnet50.onnx --json | jq .operators", says: "for a program" },
  ],
  async run(given, context) {
    if (given.has(batchOption) && !given.get(memoryFlag))
      throw invalid(batchOption.name, `is of no use without --${memoryFlag.name}`);
    await using file = await modelFile(given.operands[0]!, context);
    const { path, name } = file;
    // A model that other commands refuse may be inspected: that is how one finds out why.
    const model = await readModelFile(path);
    const bytes = await bytesOnDisk(path, model);
    const preprocessing = readable(() => ownPreprocessing(model), context);
    const classes = readable(() => classesFromMetadata(model.metadata), context);
    const { failure, isAsked, ...engine } = await tryEngine(path, model, preprocessing, given, context);
    const { layers, ...summary } = countedAt(graphSummary(model), model, engine.fed);
    const weights = weightTypes(layers);
    const repeatedNames = separateNodeNames(cloneModel(model).graph);
    const facts: [string, string][] = [
      ["file", `${name}, ${bytesText(bytes)}`],
      [
        "version",
        `opset ${summary.opset}, IR ${summary.irVersion}${summary.producer === "" ? "" : `, made by ${summary.producer}`}`,
      ],
      ["inputs", valuesText(summary.inputs)],
      ["outputs", valuesText(summary.outputs)],
      ["parameters", `${magnitudeText(summary.parameters)} in ${bytesText(summary.weightBytes)}`],
      [
        "stored as",
        weights.map(({ type, parameters }) => `${type}: ${magnitudeText(parameters)}`).join(", ") ||
          "no weights",
      ],
      [
        "operations",
        summary.macs > 0
          ? `${magnitudeText(summary.macs)} multiply-accumulates an image${fedText(engine.fed, summary.inputs, ", counted")}`
          : "not known",
      ],
      ["quantised", quantisedText(summary)],
      ...namesFacts(repeatedNames),
      ["operators", operatorsText(summary)],
      ["preprocessing", preprocessing ? preprocessingText(preprocessing) : "not said"],
      [
        "classes",
        classes
          ? `${countText(classes.length)}: ${classes.slice(0, 5).join(", ")}${classes.length > 5 ? ", ..." : ""}`
          : "not named",
      ],
      [
        "engine",
        engine.runs
          ? `ONNX Runtime ${engine.version} runs it${fedText(engine.fed, summary.inputs, ", tried")}`
          : `ONNX Runtime ${engine.version} cannot run it: ${isAsked ? "" : `${failure?.code}, not tried: `}${engine.reason}`,
      ],
    ];
    const memory =
      given.get(memoryFlag) && engine.runs ? await memoryOf(path, engine.fed, given, context) : null;
    const shown = [
      ...(given.get(layersFlag) ? [layersText(layers)] : []),
      ...(memory === null ? [] : [memoryText(memory.predicted, memory.measured)]),
    ];
    return {
      json: {
        file: name,
        bytes,
        ...summary,
        weights,
        repeatedNames,
        preprocessing,
        classes,
        engine,
        ...(given.get(layersFlag) ? { layers } : {}),
        ...(given.get(memoryFlag) ? { memory } : {}),
      },
      text: [factsText(facts), ...shown].join("\n\n"),
      failure,
    };
  },
};

/** Nothing where each node has a name of its own. */
function namesFacts(repeated: readonly string[]): [string, string][] {
  if (repeated.length === 0) return [];
  const listed = repeated
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(", ");
  return [
    [
      "node names",
      `not unique: several nodes are called ${listed}${repeated.length > 3 ? ", ..." : ""}; the engine refuses such a file, and is given one with other names`,
    ],
  ];
}

/** What of the metadata cannot be read is said, and stops nothing. */
function readable<T>(read: () => T, { remark }: CommandContext): T | null {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    remark(thrown.message);
    return null;
  }
}

type Layers = GraphSummary["layers"];
type Summary = Omit<GraphSummary, "layers">;

interface EngineVerdict {
  readonly version: string;
  readonly runs: boolean;
  readonly reason: string | null;
  /** What was fed, where it runs. */
  readonly fed: readonly TrialFeed[] | null;
  readonly failure: CupelError | null;
  /** Whether the engine was given the model at all. */
  readonly isAsked: boolean;
}

/** With the operations of the sizes that were fed: where a model leaves sizes open, none can be counted without. */
function countedAt(summary: GraphSummary, model: Model, fed: EngineVerdict["fed"]): GraphSummary {
  const inputShapes = Object.fromEntries(
    (fed ?? []).map(({ name, dims }) => {
      const declared = summary.inputs.find((input) => input.name === name)?.shape ?? [];
      // The number of images stays open, for operations are those of one.
      return [
        name,
        dims.map((size, axis) =>
          axis > 0 && typeof declared[axis] !== "number" ? size : (declared[axis] ?? size),
        ),
      ];
    }),
  );
  const isOpen = summary.inputs.some(({ name, shape }) => shape?.join() !== own(inputShapes, name)?.join());
  if (fed === null || !isOpen) return summary;
  const sized = cloneModel(model);
  inferShapes(sized, { inputShapes });
  const { macs, layers } = graphSummary(sized);
  return {
    ...summary,
    macs,
    layers: summary.layers.map((layer, i) => ({ ...layer, macs: layers[i]!.macs })),
  };
}

async function tryEngine(
  path: string,
  model: Model,
  preprocessing: Preprocessing | null,
  given: Given,
  { threads, signal }: CommandContext,
): Promise<EngineVerdict> {
  const version = engineVersion();
  const tensors = await givenInputs(given);
  let isAsked = false;
  try {
    const sorted = cloneModel(model);
    sortTopologically(sorted.graph);
    assertLoadable(sorted);
    isAsked = true;
    const image = likelyImageInput(inputsOf(model.graph));
    const dims = preprocessing && tensorDims(preprocessing, 1);
    // A size that the metadata says wrongly is no reason not to try.
    const axes = image && dims && fedAxes(image.dims, dims);
    const shapes = image && axes && dims ? { [image.name]: axes.map((axis) => dims[axis]!) } : {};
    const { fed } = await tryModel(path, given, { threads, signal, inputs: { shapes, tensors } });
    return { version, runs: true, reason: null, fed, failure: null, isAsked };
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code !== "CANCELLED") {
      return { version, runs: false, reason: thrown.message, fed: null, failure: thrown, isAsked };
    }
    throw thrown;
  }
}

/** On what was fed when it was tried. */
async function memoryOf(
  path: string,
  fed: EngineVerdict["fed"],
  given: Given,
  { threads, signal, progress }: CommandContext,
) {
  using task = progress.start("Measuring memory");
  void task;
  const batch = given.get(batchOption);
  const shapes = Object.fromEntries((fed ?? []).map(({ name, dims }) => [name, [...dims]]));
  const inputs = { shapes, tensors: await givenInputs(given) };
  const predicted = await predictMemory(path, { batch, inputs, signal });
  return { predicted, measured: await measureMemory(path, { batch, inputs, threads, idle: false, signal }) };
}

/** Where the model leaves sizes open beside the number of images, those of the trial. */
function fedText(fed: EngineVerdict["fed"], inputs: Summary["inputs"], how: string): string {
  const open = (fed ?? []).filter(({ name }) =>
    inputs.some(
      (input) => input.name === name && input.shape?.slice(1).some((size) => typeof size !== "number"),
    ),
  );
  return open.length === 0
    ? ""
    : `${how} at ${open.map(({ name, dims }) => `${name} [${dims.join(", ")}]`).join(" and ")}`;
}

/** Parameters by the type they are stored in, the most first. A layer counts as what its largest weight is. */
function weightTypes(layers: Layers) {
  const byType = new Map<string, { parameters: number; bytes: number; layers: number }>();
  for (const { weightType, parameters, bytes } of layers) {
    if (weightType === null) continue;
    const entry = byType.get(weightType) ?? { parameters: 0, bytes: 0, layers: 0 };
    byType.set(weightType, {
      parameters: entry.parameters + parameters,
      bytes: entry.bytes + bytes,
      layers: entry.layers + 1,
    });
  }
  return Array.from(byType, ([type, entry]) => ({ type, ...entry })).sort(
    (a, b) => b.parameters - a.parameters,
  );
}

function quantisedText({ operators }: Summary): string {
  const names = [
    "QuantizeLinear",
    "DequantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
  ];
  const found = names.filter((name) => own(operators, name) !== undefined);
  return found.length === 0
    ? "no"
    : `yes: ${found.map((name) => `${own(operators, name)} ${name}`).join(", ")}`;
}

function operatorsText({ operators, nodes }: Summary): string {
  const listed = Object.entries(operators).map(([name, count]) => `${count} ${name}`);
  return `${nodes}: ${listed.join(", ")}`;
}

function valuesText(values: Summary["inputs"]): string {
  return (
    values
      .map(({ name, elementType, shape }) => `${name} ${elementType ?? "?"} ${shapeText(shape)}`)
      .join("\n") || "none"
  );
}

function shapeText(shape: Shape): string {
  return shape === null ? "of unknown rank" : `[${shape.map((size) => size ?? "?").join(", ")}]`;
}

function layersText(layers: Layers): string {
  return tableText([
    ["layer", "operator", "output", "parameters", "bytes", "stored as", "MACs"],
    ...layers.map(({ name, opType, outputShape, parameters, bytes, weightType, macs }) => [
      name,
      opType,
      shapeText(outputShape),
      parameters === 0 ? "-" : countText(parameters),
      bytes === 0 ? "-" : countText(bytes),
      weightType ?? "-",
      macs === null ? "-" : magnitudeText(macs),
    ]),
  ]);
}
