/**
 * Faults put between the graph whose figures are told and the file that is written: each is refused before the
 * file could take its name. The test damages the file; what judges it is what every compression runs.
 */
import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { attribute, encodeModelBytes, type Model, readModel, Tensor, writeModelFile } from "@cupel/onnx";
import { compress, defaultRecipe } from "../src/index.ts";
import { defaultFloor, type Floor } from "../src/written/floor.ts";
import { verifyCompressed } from "../src/written/verify-compressed.ts";
import {
  behindOutput,
  dequantised,
  differs,
  fails,
  floats,
  type GraphFault,
  graphFaults,
  weightBytes,
} from "./support/graph-faults.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";

/** Two convolutions of one shape among four, a LeakyRelu, a Clip, a dense layer, and two outputs: scores and a map. */
function network(): Model {
  const net = new Network(["N", 3, 8, 8], 3);
  const first = net.relu(net.conv("first", net.x, 3, 8));
  const second = net.node("LeakyRelu", "leaky", [net.conv("second", first, 8, 8)], { alpha: 0.3 });
  const third = net.conv("third", second, 8, 8);
  const clip = net.node("Clip", "clip", [third, net.scalar("low", -0.5), net.scalar("high", 1)]);
  const scores = net.head(clip, 8);
  const shares = net.node("Softmax", "shares", [scores], { axis: 1 });
  return net.done(shares, net.conv("map", clip, 8, 2));
}

let folder = "";
let measured: Model;
const original = () => join(folder, "float.onnx");
const images = noiseImages(40);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-faults-"));
  await writeModelFile(network(), original());
  ({ model: measured } = await compress(network(), {
    images,
    preprocessing: plain(),
    recipe: defaultRecipe(8),
    threads: 1,
  }));
});
after(() => rm(folder, { recursive: true, force: true }));

const verified = (path: string, model = measured, floor: Floor | null = defaultFloor) =>
  verifyCompressed(path, model, original(), { images, preprocessing: plain(), threads: 1, floor });

for (const [number, { what, code, damage }] of graphFaults.entries()) {
  test(`a file with ${what} is refused`, async () => {
    const model = readModel(encodeModelBytes(measured));
    damage(model.graph, model);
    const path = join(folder, `fault-${number}.onnx`);
    await writeFile(path, encodeModelBytes(model));
    await refused(() => verified(path), code);
  });
}

test("a file that is as it was written passes, and its figures are told", async () => {
  const path = join(folder, "whole.onnx");
  await writeModelFile(measured, path);
  const { images: count, largestDifference, outputs } = await verified(path);
  assert.equal(count, 40);
  assert.ok(largestDifference <= 1e-3, `${largestDifference}`);
  assert.deepEqual(
    outputs.map(({ output, measure }) => [output, measure]),
    [
      ["shares", "samePrediction"],
      ["map", "sqnrDb"],
    ],
  );
});

interface FileFault {
  readonly what: string;
  damage(path: string, dataPath: string): Promise<void>;
}

const fileFaults: readonly FileFault[] = [
  {
    what: "a file that ends early",
    damage: async (path) => truncate(path, (await readFile(path)).byteLength - 40),
  },
  { what: "an empty file", damage: (path) => truncate(path, 0) },
  { what: "a file that is not there", damage: (path) => rm(path) },
  { what: "weights that end early", damage: (_, data) => truncate(data, 100) },
  { what: "weights that are not there", damage: (_, data) => rm(data) },
  {
    what: "weights whose bytes are others",
    damage: async (_, data) =>
      writeFile(
        data,
        (await readFile(data)).map((byte) => byte ^ 0x55),
      ),
  },
  {
    what: "weights of another place in their file",
    damage: async (_, data) => {
      const bytes = await readFile(data);
      await writeFile(data, Buffer.concat([bytes.subarray(512), bytes.subarray(0, 512)]));
    },
  },
];

for (const [number, { what, damage }] of fileFaults.entries()) {
  test(`${what}: refused`, async () => {
    const path = join(folder, `file-${number}`, "model.onnx");
    const { dataPath } = await writeModelFile(measured, path, { externalData: { minBytes: 64 } });
    assert.ok(dataPath);
    await copyFile(path, join(dirname(path), "whole.onnx"));
    await verified(join(dirname(path), "whole.onnx"));
    await damage(path, dataPath);
    await assert.rejects(verified(path), (thrown: { code?: string }) =>
      [differs, fails].includes(thrown.code ?? ""),
    );
  });
}

/** What the graph in memory has too is no difference from it: the floor finds it. */
const measuredFaults: readonly Pick<GraphFault, "what" | "damage">[] = [
  {
    what: "a scale that is ten times too large",
    damage: (graph) => floats(graph, dequantised(graph, "map").input(1)!, (x) => 10 * x),
  },
  {
    what: "weights that are all zero",
    damage: (graph) => weightBytes(graph, "map", (bytes) => new Int8Array(bytes.length)),
  },
  {
    what: "values that are not finite",
    damage: (graph) => floats(graph, dequantised(graph, "second").input(1)!, () => Number.NaN),
  },
  {
    what: "classes in another order",
    damage: (graph) =>
      behindOutput(graph, 0, "Gather", [graph.addConstant("fault", Tensor.int64([4], [1, 2, 3, 0]))], {
        axis: attribute.int(1),
      }),
  },
];

for (const [number, { what, damage }] of measuredFaults.entries()) {
  test(`${what} in the very graph that is written: below the floor, and let through without one`, async () => {
    const model = readModel(encodeModelBytes(measured));
    damage(model.graph, model);
    const path = join(folder, `measured-${number}.onnx`);
    await writeModelFile(model, path);
    await refused(() => verified(path, model), "FLOOR_MISSED", /at least/);
    await verified(path, model, null);
  });
}

test("a floor is held to", async () => {
  const path = join(folder, "floor.onnx");
  await writeModelFile(measured, path);
  const { outputs } = await verified(path, measured, null);
  const sqnrDb = outputs.find(({ measure }) => measure === "sqnrDb")!.value!;
  await verified(path, measured, { samePrediction: 0, sqnrDb: sqnrDb - 0.01 });
  await refused(
    () => verified(path, measured, { samePrediction: 0, sqnrDb: sqnrDb + 0.01 }),
    "FLOOR_MISSED",
    /"map" has \d+\.\d dB/,
  );
});
