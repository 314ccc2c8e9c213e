/** `cupel pack`: a model and the files of its weights to one file, as small as their information. */
import { extname } from "node:path";
import { bytesText } from "@cupel/base";
import { packModel } from "@cupel/compress";
import { invalid, text } from "../arguments/option.ts";
import { required } from "../arguments/parse.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

const outOption = text({
  name: "out",
  short: "o",
  placeholder: "MODEL.cupel",
  summary: "The packed model to write; one that is there is replaced",
});

export const packCommand: Command = {
  description:
    "Takes any ONNX model, and the files that it keeps weights in. Nothing is lost: cupel unpack gives back the same bytes. Weights of few bits gain " +
    "what entropy coding gains, a tenth to a third of the file; float weights a sixth. No engine reads a packed model, it is for transport and storage.",
  operands: [{ name: "MODEL", summary: "The ONNX model" }],
  options: [outOption],
  examples: [
    { line: "cupel pack small.onnx -o small.cupel", says: "for transport" },
    { line: "cupel pack small.onnx -o small.cupel --json | jq .bytes", says: "for a program" },
  ],
  async run(given, { signal, progress }) {
    const model = given.operands[0]!;
    const out = required(given, outOption);
    if (extname(out) !== ".cupel") {
      throw invalid("out", `must be a file name that ends in .cupel, not "${out}"`);
    }
    const { files, bytes } = await packModel(model, { out, signal, progress });
    const share = ((100 * bytes.packed) / bytes.original).toFixed(1);
    return {
      json: { model, packed: out, bytes, files },
      text: factsText([
        ["packed", `${out}, ${bytesText(bytes.packed)}: ${share} % of ${bytesText(bytes.original)}`],
        ["holds", `${numberOf(files.length, "file")}: ${files.map(({ name }) => name).join(", ")}`],
      ]),
    };
  },
};
