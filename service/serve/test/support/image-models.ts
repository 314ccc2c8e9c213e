/** Models of each task whose answers are read off the image: its strongest channel is the class. */
import { attribute, encodeModelBytes, inferShapes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { type TaskName, writeMetadata } from "@cupel/predict";
import type { Preprocessing } from "@cupel/vision";

export const colours = ["red", "green", "blue"];

/** The pixels as 0 to 1. */
const unit = (side: number, overrides: Partial<Preprocessing> = {}): Preprocessing => ({
  width: side,
  height: side,
  colour: "rgb",
  resize: { kind: "stretch" },
  interpolation: "nearest",
  layout: "NCHW",
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  ...overrides,
});

function imageModel(
  task: TaskName,
  side: number,
  build: (model: Model, x: Value) => Value,
  told: { readonly classes?: readonly string[]; readonly preprocessing?: Partial<Preprocessing> } = {},
): Uint8Array {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  const x = model.graph.add(new Value("x", tensorType("float32", ["n", 3, side, side])));
  model.graph.inputs.push(x);
  model.graph.outputs.push(build(model, x));
  inferShapes(model);
  const { classes = colours, preprocessing } = told;
  writeMetadata(model, { task, classes, preprocessing: unit(side, preprocessing) });
  return encodeModelBytes(model);
}

function node(model: Model, opType: string, inputs: Value[], attributes = {}): Value {
  const name = `${opType}${[...model.graph.nodes].length}`;
  return model.graph.append({ opType, name, inputs, outputs: [name], attributes }).output;
}

const means = (model: Model, x: Value): Value =>
  node(model, "Flatten", [node(model, "GlobalAveragePool", [x])]);

const ints = (model: Model, name: string, values: readonly number[]): Value =>
  model.graph.addConstant(name, Tensor.int64([values.length], values));

/** The class of a pixel is its strongest channel. */
export const segmenter = (): Uint8Array =>
  imageModel("segmentation", 8, (model, x) => node(model, "Identity", [x]));

/** The sigmoid of each channel's mean from 0 to 1, spread: 0.5 is a mean of 0.5. */
export const labeller = (): Uint8Array =>
  imageModel("multi-label", 8, (model, x) => {
    const half = model.graph.addConstant("half", Tensor.float32([], [0.5]));
    const ten = model.graph.addConstant("ten", Tensor.float32([], [10]));
    const centred = node(model, "Sub", [means(model, x), half]);
    return node(model, "Sigmoid", [node(model, "Mul", [centred, ten])]);
  });

/** The means of the three channels, as numbers. */
export const measurer = (task: "regression" | "features"): Uint8Array => imageModel(task, 8, means);

/** A column is a step: red is the blank, green "a", blue "b". */
export const textReader = (): Uint8Array =>
  imageModel(
    "sequence",
    8,
    (model, x) => {
      const axes = { axes: attribute.ints([2]), keepdims: attribute.int(0) };
      const columns = node(model, "ReduceMean", [x], axes);
      return node(model, "Transpose", [columns], { perm: attribute.ints([0, 2, 1]) });
    },
    { classes: ["<blank>", "a", "b"] },
  );

/** In the form of YOLO v8 on 32 x 32: a cell of 8 x 8 scores as red and green as it is, and its box is the cell. */
export const detector = (): Uint8Array =>
  imageModel(
    "detection",
    32,
    (model, x) => {
      const cells = 16 + 4 + 1;
      const kernel = attribute.ints([8, 8]);
      const pooled = node(model, "AveragePool", [x], { kernel_shape: kernel, strides: kernel });
      const rows = node(model, "Reshape", [pooled, ints(model, "shape", [0, 3, 16])]);
      const slice = (from: number, to: number, name: string, of: Value) =>
        node(model, "Slice", [
          of,
          ints(model, `${name}From`, [from]),
          ints(model, `${name}To`, [to]),
          ints(model, `${name}Axis`, [1]),
        ]);
      const padding = ints(model, "pads", [0, 0, 0, 0, 0, cells - 16]);
      const scores = node(model, "Pad", [slice(0, 2, "two", rows), padding]);
      const zero = model.graph.addConstant("zero", Tensor.float32([1], [0]));
      const edges = [0, 1, 2, 3].flatMap((number) =>
        Array.from({ length: cells }, (_, cell) =>
          number === 0 ? (cell % 4) * 8 + 4 : number === 1 ? Math.floor(cell / 4) * 8 + 4 : 8,
        ),
      );
      const cellBoxes = model.graph.addConstant("cells", Tensor.float32([1, 4, cells], edges));
      const boxes = node(model, "Add", [node(model, "Mul", [slice(0, 1, "one", scores), zero]), cellBoxes]);
      return node(model, "Concat", [boxes, scores], { axis: attribute.int(1) });
    },
    { classes: ["red", "green"], preprocessing: { resize: { kind: "letter-box" } } },
  );
