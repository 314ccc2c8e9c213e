/** What the tests of the command share: the command in this process or its own, scratch folders, small inputs. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createRandom } from "@cupel/base";
import { attribute, encodeModelBytes, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { runCommand, type Terminal } from "../src/index.ts";

export interface Told {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** The command in this process, its output caught. */
export async function cupel(...words: readonly string[]): Promise<Told> {
  const { terminal, told } = catchingTerminal();
  const status = await runCommand(words, terminal, { signal: new AbortController().signal });
  return { status, ...told() };
}

export function catchingTerminal(changes: Partial<Terminal> = {}) {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    write: async (text) => {
      out += text;
      return true;
    },
    err: (text) => {
      err += text;
    },
    input: () => null,
    isOutInteractive: false,
    isInteractive: false,
    hasColour: false,
    columns: () => 80,
    ...changes,
  };
  return { terminal, told: () => ({ out, err }) };
}

export const entry = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The real command as a process of its own. @param shell a command line that begins it, such as a limit. */
export function spawnCupel(
  words: readonly string[],
  shell = "",
): ChildProcess & { readonly ended: Promise<Told> } {
  const [command, args] =
    shell === ""
      ? [process.execPath, [entry, ...words]]
      : ["bash", ["-c", `${shell}; exec "$0" "$@"`, process.execPath, entry, ...words]];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<Told>((done) => {
    child.on("close", (status, signal) => done({ status: status ?? (signal === null ? -1 : -2), out, err }));
  });
  return Object.assign(child, { ended });
}

export interface Scratch extends AsyncDisposable {
  readonly path: string;
  at(...names: readonly string[]): string;
  write(name: string, content: Uint8Array | string): Promise<string>;
}

export async function scratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), "cupel-cli-"));
  const at = (...names: readonly string[]) => join(path, ...names);
  return {
    path,
    at,
    async write(name, content) {
      await mkdir(dirname(at(name)), { recursive: true });
      await writeFile(at(name), content);
      return at(name);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** Everything under a folder, hidden files included, relative and sorted. */
export async function filesUnder(path: string): Promise<string[]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(path.length + 1))
    .sort();
}

export interface ClassifierShape {
  readonly side: number;
  readonly filters: number;
  readonly classes: number;
  readonly opset: number;
  readonly inputShape: readonly (number | string)[] | null;
  readonly firstWeight: number | null;
}

/** Conv, Relu, Conv, Relu, GlobalAveragePool, Gemm with seeded weights: image [N, 1, side, side] to scores. */
export function classifier(changes: Partial<ClassifierShape> = {}): Model {
  const side = changes.side ?? 8;
  const { filters = 8, classes = 3, opset = 17, firstWeight = null } = changes;
  const inputShape = changes.inputShape === undefined ? ["N", 1, side, side] : changes.inputShape;
  const model = new Model({ irVersion: 8, opsets: new Map([["", opset]]) });
  const { graph } = model;
  const random = createRandom(7);
  const weights = (...dims: number[]) => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const fan = count / dims[0]!;
    return Tensor.float32(
      dims,
      new Float32Array(count).map(() => random.normal() * Math.sqrt(2 / fan)),
    );
  };
  const image = graph.add(new Value("image", tensorType("float32", inputShape)));
  graph.inputs.push(image);
  let tip = image;
  for (const [name, from] of [
    ["conv1", 1],
    ["conv2", filters],
  ] as const) {
    const tensor = weights(filters, from, 3, 3);
    if (firstWeight !== null && name === "conv1") tensor.toFloat32()[0] = firstWeight;
    tip = graph.append({
      opType: "Conv",
      name,
      inputs: [tip, graph.addConstant(`${name}.weight`, tensor)],
      attributes: { kernel_shape: attribute.ints([3, 3]), pads: attribute.ints([1, 1, 1, 1]) },
    }).output;
    tip = graph.append({ opType: "Relu", inputs: [tip] }).output;
  }
  tip = graph.append({ opType: "GlobalAveragePool", inputs: [tip] }).output;
  tip = graph.append({ opType: "Flatten", inputs: [tip] }).output;
  const dense = graph.addConstant("dense.weight", weights(classes, filters));
  const bias = graph.addConstant("dense.bias", Tensor.float32([classes], new Float32Array(classes)));
  tip = graph.append({
    opType: "Gemm",
    name: "dense",
    inputs: [tip, dense, bias],
    outputs: ["scores"],
    attributes: { transB: attribute.int(1) },
    type: tensorType("float32", ["N", classes]),
  }).output;
  graph.outputs.push(tip);
  return model;
}

export function classifierBytes(changes: Partial<ClassifierShape> = {}): Uint8Array {
  return encodeModelBytes(classifier(changes));
}

/** Seeded noise as an IDX file of images, and its labels 0, 1, 2, 0, ... as another. */
export function idxImages(count: number, side: number, classes: number) {
  const random = createRandom(3);
  const header = (...dims: number[]) => {
    const bytes = Buffer.alloc(4 + 4 * dims.length);
    bytes.set([0, 0, 8, dims.length]);
    dims.forEach((dim, i) => {
      bytes.writeUInt32BE(dim, 4 + 4 * i);
    });
    return bytes;
  };
  const pixels = Buffer.alloc(count * side * side).map(() => random.integer(256));
  const labels = Buffer.from(Array.from({ length: count }, (_, i) => i % classes));
  return {
    images: Buffer.concat([header(count, side, side), pixels]),
    labels: Buffer.concat([header(count), labels]),
  };
}

/** A model and images that go together, ready on disk. */
export async function prepared(
  folder: Scratch,
  changes: Partial<ClassifierShape> & { readonly count?: number } = {},
) {
  const { images, labels } = idxImages(changes.count ?? 60, changes.side ?? 8, changes.classes ?? 3);
  return {
    model: await folder.write("model.onnx", classifierBytes(changes)),
    images: await folder.write("set-images-idx3-ubyte", images),
    labels: await folder.write("set-labels-idx1-ubyte", labels),
  };
}

const dataFolder = process.env.CUPEL_DATA ?? resolve(import.meta.dirname, "../../../../shared/data");

export const realData = (path: string): string => join(dataFolder, path);

/** For the `skip` of a test: a reason where the data is absent. */
export const withoutData = existsSync(dataFolder) ? false : "no test data: set CUPEL_DATA to its folder";
