/** What `cupel compress` and the demonstration share: the library's work, its remarks, and the report's files. */
import { assertWritable, reasonOf } from "@cupel/base";
import { type CompressedFile, type CompressFileOptions, compressFile } from "@cupel/compress";
import { modelOutput } from "../arguments/model-output.ts";
import type { CommandContext } from "../commands/command.ts";
import { type ReportFiles, removeReport, reportFiles, writeReport } from "../report/report-files.ts";
import { remarkFact } from "./remark-fact.ts";

export interface Compressed extends CompressedFile {
  /** Path of the written model. */
  readonly model: string;
  readonly files: ReportFiles;
}

type Order = Pick<
  CompressFileOptions,
  | "out"
  | "externalData"
  | "images"
  | "training"
  | "floor"
  | "needsLabels"
  | "taskName"
  | "labelsPath"
  | "labelColumn"
  | "classes"
  | "evaluation"
  | "preprocessing"
  | "inputs"
  | "allowChance"
  | "recipe"
  | "report"
  | "strict"
  | "open"
>;

/** @throws OPTION_INVALID, and what `compressFile` and `renderReport` throw */
export async function compressWithReport(
  path: string,
  order: Order & { readonly reportFolder?: string | undefined },
  { seed, threads, line, signal, progress, remark }: CommandContext,
): Promise<Compressed> {
  const { reportFolder, ...options } = order;
  const out = await modelOutput(options.out, path);
  const files = reportFiles(out, reportFolder);
  await assertWritable([out, ...(options.report === false ? [] : Object.values(files))]);
  let isWritten = false;
  const work = async (): Promise<Compressed> => {
    const compressed = await compressFile(path, {
      ...options,
      command: line,
      seed,
      threads,
      signal,
      progress,
      onFact(fact) {
        // A report of an earlier run would now stand beside another model.
        if (fact.kind === "written") {
          isWritten = true;
          removeReport(files);
        }
        remarkFact(fact, remark, { model: path, images: options.images });
      },
    });
    if (compressed.report) await writeReport(compressed.report, files, signal);
    return { ...compressed, model: out, files };
  };
  return work().catch((thrown: unknown) => {
    if (isWritten) remark(`${out} is written and whole; its report is not: ${reasonOf(thrown)}`);
    throw thrown;
  });
}
