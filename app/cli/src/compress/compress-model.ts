/**
 * The whole path from a model file to a smaller one and its report: what `cupel compress` and the
 * demonstration share. The report is made from the written file, and written after it.
 */
import { rm } from "node:fs/promises";
import { reasonOf, writeFileAtomically } from "@cupel/base";
import { type CompressResult, compress, type Recipe } from "@cupel/compress";
import { renderReport } from "@cupel/console";
import { writeModelFile } from "@cupel/onnx";
import { classesOf, namedBy, type OpenedModel, writeMetadata } from "@cupel/predict";
import { type CompressionReport, makeReport } from "@cupel/report";
import type { Preprocessing } from "@cupel/vision";
import type { CommandContext } from "../commands/command.ts";
import { BrokenImages } from "../input/broken-images.ts";
import type { ChosenImages } from "./choose-images.ts";
import type { OutputPaths } from "./output-paths.ts";
import type { Compressed } from "./summary.ts";

export interface CompressionOrder {
  readonly opened: OpenedModel;
  readonly images: ChosenImages;
  readonly preprocessing: Preprocessing;
  readonly recipe: Recipe;
  readonly paths: OutputPaths;
  readonly strict: boolean;
  readonly wantsReport: boolean;
}

/** @throws what `compress`, `writeModelFile`, `makeReport` and `renderReport` throw */
export async function compressModel(order: CompressionOrder, context: CommandContext): Promise<Compressed> {
  const { opened, images, preprocessing, recipe, paths, strict } = order;
  const { seed, threads, signal, progress } = context;
  const broken = new BrokenImages();
  const result = await compress(opened.model, {
    images: images.calibration,
    preprocessing,
    recipe,
    seed,
    threads,
    strict,
    signal,
    progress,
    onBroken: broken.add,
  });
  const { names: classes } = namedBy(classesOf(opened.model), [images.evaluation, images.calibration]);
  writeMetadata(result.model, { preprocessing, classes });
  const written = await writeModelFile(result.model, paths.model, { signal });
  // A report of an earlier run would now stand beside another model.
  await Promise.all([paths.reportJson, paths.reportHtml].map((path) => rm(path, { force: true })));
  const sentence = broken.sentence();
  if (sentence !== null) context.remark(sentence);
  for (const note of result.notes) context.remark(note);
  const report = order.wantsReport ? await reportOn(order, result, classes, context) : null;
  return { paths, bytes: { original: opened.bytes, compressed: written.bytes }, result, report };
}

async function reportOn(
  { opened, images, preprocessing, paths }: CompressionOrder,
  result: CompressResult,
  classes: readonly string[] | null,
  { seed, threads, signal, progress, remark }: CommandContext,
): Promise<CompressionReport> {
  try {
    const report = await makeReport({
      originalPath: opened.path,
      compressedPath: paths.model,
      images: images.evaluation,
      preprocessing,
      classes,
      recipe: result.recipe,
      calibration: result.calibration,
      tradeOff: result.tradeOff,
      layers: result.layers,
      channelFactors: result.channelFactors,
      seed,
      threads,
      signal,
      progress,
    });
    await writeFileAtomically(paths.reportHtml, await renderReport(report), { signal });
    await writeFileAtomically(paths.reportJson, `${JSON.stringify(report)}\n`, { signal });
    return report;
  } catch (thrown) {
    remark(`${paths.model} is written and whole; its report is not: ${reasonOf(thrown)}`);
    throw thrown;
  }
}
