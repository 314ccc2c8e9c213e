/**
 * Trains freshly exported torchvision networks for ten steps and holds the losses, and the set of what is trained, to PyTorch
 * in double precision, by running statistics: `node tools/trajectories/compare.ts FOLDER [NAME]`, with what `export.py` wrote into FOLDER.
 * Prints a row a file, and ends with 1 where one is off by more than the tolerance.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { elementCount } from "@cupel/base";
import { type Dims, readModel } from "@cupel/onnx";
import { openTrainer } from "@cupel/train";

/** Of a loss, relative. */
const tolerance = 1e-3;

interface Trained {
  /** Shapes by name. */
  readonly parameters: Readonly<Record<string, Dims>>;
  readonly losses: readonly number[];
}

interface About {
  readonly momentum: number;
  /** Images a step. */
  readonly batch: number;
  /** Height and width of an image. */
  readonly size: number;
}

interface Network extends Readonly<Record<"kept" | "folded", Trained>> {
  readonly learningRate: number;
}

/** What export.py writes. */
interface Reference {
  readonly about: About;
  readonly exports: Readonly<Record<string, "kept" | "folded">>;
  readonly networks: Readonly<Record<string, Network>>;
}

const [folder, only] = process.argv.slice(2);
if (folder === undefined) throw new Error("Give the folder that export.py wrote.");
const reference: Reference = JSON.parse(await readFile(join(folder, "pytorch.json"), "utf8"));

let isOff = false;
for (const [name, rows] of Object.entries(reference.networks)) {
  if (only !== undefined && only !== name) continue;
  for (const [kind, which] of Object.entries(reference.exports)) {
    const { losses, parameters } = rows[which];
    const found = await train(
      join(folder, `${name}.${kind}.onnx`),
      { ...reference.about, ...rows },
      losses.length,
    );
    const off = losses.map((loss, step) => Math.abs(found.losses[step]! - loss) / loss);
    const set = compareSets(found.trained, new Map(Object.entries(parameters)));
    const worst = Math.max(...off);
    isOff ||= !(worst < tolerance) || !set.isSame;
    console.log(
      `${name}.${kind}: ${set.text}; losses ${found.losses[0]!.toFixed(4)} .. ${found.losses.at(-1)!.toFixed(4)}, ` +
        `PyTorch ${losses[0]!.toFixed(4)} .. ${losses.at(-1)!.toFixed(4)}, off by ${worst.toExponential(1)} at most`,
    );
  }
}
process.exitCode = isOff ? 1 : 0;

async function train(path: string, { batch, size, learningRate, momentum }: About & Network, steps: number) {
  const model = readModel(await readFile(path));
  const dims = [batch, 3, size, size];
  await using trainer = await openTrainer(model, {
    batch,
    optimiser: { kind: "sgd", momentum },
    statistics: "frozen",
  });
  const { state } = trainer.compiled;
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const labels = Int32Array.from({ length: batch }, (_, item) => (item * (step + 1)) % 10);
    const data = images(step, batch, size);
    const { loss } = await trainer.step(
      { inputs: { input: { type: "float32", dims, data } }, labels },
      learningRate,
    );
    losses.push(loss);
  }
  const exported = await trainer.exportModel();
  const trained = state
    .filter(({ role }) => role === "parameter")
    .map(({ name }) => [name, exported.graph.value(name)!.constant!.dims] as const);
  return { losses, trained: new Map<string, Dims>(trained) };
}

/** As export.py: [batch, 3, size, size]. */
function images(step: number, batch: number, size: number): Float32Array {
  const pixels = size * size;
  return Float32Array.from({ length: batch * 3 * pixels }, (_, place) => {
    const [item, colour] = [Math.floor(place / (3 * pixels)), Math.floor(place / pixels) % 3];
    const [y, x] = [Math.floor(place / size) % size, place % size];
    const stripes = ((x * ((item * 3 + step) % 7) + y * ((item * 5 + 2 * step) % 6)) % 32) / 16 - 1;
    return (stripes * (1 + ((item + step) % 4))) / 4 + ((item * 7 + colour * 3 + step) % 9) / 4 - 1;
  });
}

/** By name where the exporter kept it; a weight that it transposed, or named after its node, by its size. */
function compareSets(found: ReadonlyMap<string, Dims>, expected: ReadonlyMap<string, Dims>) {
  const named = [...expected.keys()].filter((name) => found.has(name));
  const sizes = (rows: ReadonlyMap<string, Dims>) =>
    [...rows]
      .filter(([name]) => !named.includes(name))
      .map(([, dims]) => [...dims].sort((a, b) => a - b).join("x"))
      .sort();
  const isSame =
    JSON.stringify(sizes(found)) === JSON.stringify(sizes(expected)) &&
    named.every((name) => elementCount(found.get(name)!) === elementCount(expected.get(name)!));
  const text = `${found.size} of ${expected.size} parameters, ${named.length} by name`;
  return { isSame, text: isSame ? text : `${text}, NOT the same set` };
}
