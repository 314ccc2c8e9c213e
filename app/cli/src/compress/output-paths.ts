/** Where results go, settled before any work is done. */
import { realpath } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { invalid } from "../arguments/option.ts";
import { cliErrors } from "../errors.ts";

export interface OutputPaths {
  readonly model: string;
  readonly reportJson: string;
  readonly reportHtml: string;
}

/** @throws OPTION_INVALID, OUTPUT_IS_INPUT */
export async function outputPaths(
  out: string,
  reportFolder: string | undefined,
  inputModel: string,
): Promise<OutputPaths> {
  if (extname(out) !== ".onnx") throw invalid("out", `must be a file name that ends in .onnx, not "${out}"`);
  // Links are followed: another name of the same file is the same file.
  const [to, from] = await Promise.all([out, inputModel].map(realOf));
  if (to === from) {
    throw cliErrors.error(
      "OUTPUT_IS_INPUT",
      `${out} is the model to begin with. Choose another name: what is made of it is compared with it, and the original is not replaced.`,
      { details: { path: out } },
    );
  }
  const stem = join(reportFolder ?? dirname(out), basename(out, ".onnx"));
  return { model: out, reportJson: `${stem}.report.json`, reportHtml: `${stem}.report.html` };
}

function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
