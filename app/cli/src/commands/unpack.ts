/** `cupel unpack`: a packed model back to plain ONNX. */
import { join } from "node:path";
import { bytesText, openTemporaryFolder } from "@cupel/base";
import { type UnpackedModel, type UnpackOptions, unpackModel } from "@cupel/compress";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import { modelOutput } from "../arguments/model-output.ts";
import { byteSize, flag, text } from "../arguments/option.ts";
import { required } from "../arguments/parse.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

const outOption = text({
  name: "out",
  short: "o",
  placeholder: "OUT.onnx",
  summary:
    "The model to write; one that is there is replaced. Files of its weights go beside it and replace nothing",
});

const maxBytesOption = byteSize({
  name: "max-bytes",
  summary: "Refuse a packed model that holds more",
  fallback: "200 times what the packed file has, or 64 MiB where that is more",
});

const externalDataFlag = flag({
  name: "external-data",
  summary:
    "Put the weights into a file beside the model, each at a multiple of 4096 bytes, which the system can map into memory; the model is then written anew",
});

export const unpackCommand: Command = {
  description:
    "Gives back the bytes that were packed; their SHA-256 is checked before a file takes its name. A damaged, cut off or hostile file is an error, and nothing is written.",
  operands: [{ name: "PACKED", summary: "What cupel pack wrote" }],
  options: [outOption, externalDataFlag, maxBytesOption],
  examples: [
    { line: "cupel unpack small.cupel -o small.onnx", says: "the model that was packed" },
    { line: "cupel unpack small.cupel -o small.onnx --external-data", says: "with weights to be mapped" },
  ],
  async run(given, { signal, progress }) {
    const packed = given.operands[0]!;
    const out = await modelOutput(required(given, outOption), packed);
    const options = { out, maxBytes: given.get(maxBytesOption), signal, progress };
    const { files, bytes } = given.get(externalDataFlag)
      ? await unpackOutside(packed, options)
      : await unpackModel(packed, options);
    return {
      json: { packed, model: out, bytes, files },
      text: factsText([
        ["unpacked", `${out}, ${bytesText(bytes.unpacked)} of ${bytesText(bytes.packed)}`],
        ...files.slice(1).map(({ path }) => ["weights", path] as const),
      ]),
    };
  },
};

type Unpacked = Pick<UnpackedModel, "bytes"> & { readonly files: readonly { readonly path: string }[] };

async function unpackOutside(packed: string, options: UnpackOptions): Promise<Unpacked> {
  await using folder = await openTemporaryFolder("unpack");
  const inside = join(folder.path, "model.onnx");
  const { bytes } = await unpackModel(packed, { ...options, out: inside });
  const model = await readModelFile(inside);
  const written = await writeModelFile(model, options.out, { signal: options.signal, externalData: {} });
  return {
    files: [written.path, ...(written.dataPath === null ? [] : [written.dataPath])].map((path) => ({ path })),
    bytes: { packed: bytes.packed, unpacked: written.bytes },
  };
}
