/**
 * `npm run conformance`: every model of ONNX's own test suite is read and written, and must be the same to the byte;
 * then what it declares of its outputs is forgotten and inferred again, and must not contradict the suite.
 *
 * The models come from the Python package `onnx`: `backend-test-tools generate-data -o FOLDER` writes them.
 * CUPEL_ONNX_TESTS names the folder; without it everything is skipped.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CupelError } from "@cupel/base";
import { encodeModelBytes, inferShapes, type Model, readModel, type ValueType } from "@cupel/onnx";

const folder = process.env.CUPEL_ONNX_TESTS;
if (!folder) {
  console.log("skipped: CUPEL_ONNX_TESTS is not set; it names a folder with models of ONNX's test suite");
  process.exit(0);
}
const paths = globSync("**/*.onnx", { cwd: folder }).sort();
if (paths.length === 0) {
  console.error(`No *.onnx under ${folder}.`);
  process.exit(64);
}

/** What is wrong, by file. */
const failures = new Map<string, string[]>();
const fail = (path: string, reason: string) => failures.set(path, [...(failures.get(path) ?? []), reason]);
const refused = new Map<string, number>();
let outputs = 0;
let known = 0;
for (const path of paths) {
  const bytes = readFileSync(join(folder, path));
  try {
    const model = readModel(bytes);
    if (!bytes.equals(encodeModelBytes(model))) fail(path, "written, it is not the same to the byte");
    inferOutputs(path, model);
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    // What is refused by name is counted, a contradiction is not excused.
    if (thrown.code === "SHAPE_CONFLICT") fail(path, thrown.message);
    else refused.set(thrown.code, (refused.get(thrown.code) ?? 0) + 1);
  }
}

function inferOutputs(path: string, model: Model): void {
  const declared = model.graph.outputs.map((output) => output.type);
  for (const node of model.graph.nodes) for (const output of node.outputs) output.type = null;
  inferShapes(model);
  for (const [index, output] of model.graph.outputs.entries()) {
    outputs++;
    const wanted = declared[index] ?? null;
    if (isComplete(output.type)) known++;
    if (!agree(output.type, wanted))
      fail(path, `output "${output.name}" is ${text(output.type)}, the suite has ${text(wanted)}`);
  }
}

function isComplete(type: ValueType | null): boolean {
  return type?.kind === "tensor" && type.shape?.every((size) => typeof size === "number") === true;
}

/** What is not known contradicts nothing. */
function agree(found: ValueType | null, wanted: ValueType | null): boolean {
  if (found?.kind !== "tensor" || wanted?.kind !== "tensor") return true;
  if (found.elementType !== wanted.elementType) return false;
  const { shape } = wanted;
  if (found.shape === null || shape === null) return true;
  return (
    found.shape.length === shape.length &&
    found.shape.every(
      (size, axis) => typeof size !== "number" || typeof shape[axis] !== "number" || size === shape[axis],
    )
  );
}

function text(type: ValueType | null): string {
  return type?.kind === "tensor"
    ? `${type.elementType} [${type.shape?.map((size) => size ?? "?") ?? "..."}]`
    : "of no type";
}

for (const [path, reasons] of failures) console.log(`FAIL ${path}: ${reasons.join("; ")}`);
for (const [code, count] of refused) console.log(`refused: ${count} models, ${code}`);
console.log(`${known} of ${outputs} outputs known in full`);
console.log(`${paths.length - failures.size} passed, ${failures.size} failed`);
process.exitCode = failures.size > 0 ? 1 : 0;
