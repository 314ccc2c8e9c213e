/** What calibration chooses by the outputs: equalised channels, the method of the ranges, the scale of a Concat. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, type Model, Tensor } from "@cupel/onnx";
import { openSession, type TensorData } from "@cupel/runtime";
import { compress, parseRecipe } from "../src/index.ts";
import { options, pixels, quantise } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { outputs, sqnr } from "./support/run.ts";

function outlierChannel(channels = 8): Model {
  const net = new Network();
  const first = net.conv("first", net.x, 3, channels);
  const second = net.conv("second", net.relu(first), channels, channels);
  const scale = (name: string, isLoud: (index: number) => boolean, factor: number) => {
    const value = net.model.graph.value(name)!;
    const { constant } = value;
    const scaled = constant!.toFloat32().map((w, i) => (isLoud(i) ? w * factor : w));
    net.model.graph.setConstant(value, Tensor.float32(constant!.dims, scaled));
  };
  scale("first.weight", (i) => Math.floor(i / 27) === 3, 1000);
  scale("first.bias", (i) => i === 3, 1000);
  scale("second.weight", (i) => Math.floor(i / 9) % channels === 3, 1 / 1000);
  return net.done(net.head(net.relu(second), channels));
}

test("a channel a thousand times as loud as the others is equalised by default", async () => {
  const model = outlierChannel();
  const [float] = await outputs(model, pixels());
  const { model: plainly } = await compress(model, options({ recipe: quantise({}) }));
  const { model: small, notes } = await compress(model, options());
  assert.ok(notes.includes("equalised 1 pairs of layers"), notes.join());
  const [before, after] = [await outputs(plainly, pixels()), await outputs(small, pixels())];
  const [from, to] = [sqnr(float!, before[0]!), sqnr(float!, after[0]!)];
  assert.ok(from < 15 && to > 28, `${from} dB, then ${to} dB`);
});

test("it is tried on the kernels that the recipe asks for, also where they are no faster", async () => {
  const stages = [{ stage: "clean" }, { stage: "equalise", when: "helps" }, { stage: "calibrate" }];
  const asked = { stage: "quantise", kernels: "wherever-possible" };
  const recipe = parseRecipe({ stages: [...stages, asked] }, "test");
  const { notes } = await compress(outlierChannel(4), options({ recipe }));
  assert.ok(notes.includes("equalised 1 pairs of layers"), notes.join());
});

test("layers whose channels are alike are not equalised", async () => {
  const { notes } = await compress(smallClassifier(), options());
  assert.deepEqual(
    notes.filter((note) => note.startsWith("equalised")),
    [],
  );
});

test("auto is one of its methods to the byte: the one that moves the outputs less", async () => {
  const noise = noiseImages(64, { size: 40 });
  // Nearly grey, but for one white pixel in all: covering it costs every other image levels.
  const whiteAt = 5;
  const grey: typeof noise = {
    ...noise,
    async image(index) {
      const image = await noise.image(index);
      if (image.kind !== "raw") throw new Error("Noise is raw.");
      const data = Uint8Array.from(image.data, (x) => 126 + (x % 5));
      if (index === whiteAt) data[0] = 255;
      return { ...image, data };
    },
  };
  const given = { images: grey, preprocessing: plain(40) };
  const model = smallClassifier(1, 8, ["N", 3, 40, 40]);
  const data = Float32Array.from({ length: 4800 }, (_, i) => ((126 + (i % 5)) / 255 - 0.5) / 0.29);
  const image: TensorData = { type: "float32", dims: [1, 3, 40, 40], data };
  const [float] = await outputs(model, image);
  const by = async (method: string) => {
    const recipe = quantise({ kernels: "wherever-possible" }, { method });
    const { model: small, calibration } = await compress(model, options({ ...given, recipe }));
    return { small, method: calibration?.method, sqnr: sqnr(float!, (await outputs(small, image))[0]!) };
  };
  const [auto, mse, minMax] = [await by("auto"), await by("mse"), await by("min-max")];
  assert.ok(mse.sqnr > minMax.sqnr + 1, `${mse.sqnr} and ${minMax.sqnr} dB`);
  assert.equal(auto.method, "mse");
  assert.deepEqual(encodeModelBytes(auto.small), encodeModelBytes(mse.small));
});

test("a method is chosen with one session more for each than calibrating with one of them takes", async () => {
  const model = smallClassifier();
  const opened = async (method: string) => {
    let sessions = 0;
    const open: typeof openSession = (source, how) => {
      sessions++;
      return openSession(source, how);
    };
    await compress(model, options({ open, recipe: quantise({}, { method }) }));
    return sessions;
  };
  assert.equal(await opened("auto"), (await opened("min-max")) + 2);
});

test("what only a Concat reads is rounded to the scale of that Concat at once", async () => {
  const net = new Network();
  const [loud, quiet] = [net.relu(net.conv("loud", net.x, 3, 4)), net.relu(net.conv("quiet", net.x, 3, 4))];
  const joined = net.node("Concat", "joined", [loud, quiet], { axis: 1 });
  const { model } = await compress(net.done(net.head(joined, 8)), options());
  const scaleOf = (name: string) => model.graph.value(`${name}.dq`)!.producer!.input(1)!;
  assert.equal(scaleOf("loud.relu"), scaleOf("joined"));
  assert.equal(scaleOf("quiet.relu"), scaleOf("joined"));
});

test("what a Concat reads keeps a scale of its own where another zero point would keep a Relu from vanishing", async () => {
  const net = new Network();
  const [relu, signed] = [net.relu(net.conv("relu", net.x, 3, 4)), net.conv("signed", net.x, 3, 4)];
  const joined = net.node("Concat", "joined", [relu, signed], { axis: 1 });
  const { model } = await compress(net.done(net.head(joined, 8)), options());
  const zeroOf = (name: string) =>
    model.graph.value(`${name}.dq`)!.producer!.input(2)!.constant!.toNumbers()[0]!;
  assert.equal(zeroOf("relu.relu"), 0);
  assert.ok(zeroOf("joined") > 0);
});
