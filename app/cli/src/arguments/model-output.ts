/** Where a command writes a model: a name that says what it is, and never that of the model it is made from. */
import { extname } from "node:path";
import { assertOtherFile } from "@cupel/compress";
import { invalid } from "./option.ts";

/** @returns `out`. @throws OPTION_INVALID, OUTPUT_IS_INPUT */
export async function modelOutput(out: string, original: string): Promise<string> {
  if (extname(out) !== ".onnx") throw invalid("out", `must be a file name that ends in .onnx, not "${out}"`);
  await assertOtherFile(out, original);
  return out;
}
