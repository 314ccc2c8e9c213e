/** `cupel compress`: a trained model in, a smaller one and a report of what it cost out. */
import { openModel } from "@cupel/predict";
import { flag, text } from "../arguments/option.ts";
import { required } from "../arguments/parse.ts";
import { calibrationOptions, chooseImages, evaluationOptions } from "../compress/choose-images.ts";
import { chooseRecipe, recipeOptions } from "../compress/choose-recipe.ts";
import { compressModel } from "../compress/compress-model.ts";
import { outputPaths } from "../compress/output-paths.ts";
import { type Compressed, summaryText } from "../compress/summary.ts";
import { strictOption } from "../input/broken-images.ts";
import { classesOption } from "../input/image-options.ts";
import { preprocessingOf, preprocessingOption } from "../input/preprocessing-option.ts";
import type { Command } from "./command.ts";

const out = text({ name: "out", short: "o", placeholder: "OUT.onnx", summary: "The model to write" });
const reportDir = text({
  name: "report-dir",
  placeholder: "DIR",
  summary: "Folder of the report",
  fallback: "that of OUT.onnx",
});
const noReport = flag({ name: "no-report", summary: "Write the model only, and measure nothing" });

export const compressCommand: Command = {
  name: "compress",
  summary: "Make a model smaller and faster, and report layer by layer what it cost",
  description:
    "Writes a plain ONNX model that any ONNX Runtime runs, OUT.report.html (open it in a browser) and " +
    "OUT.report.json. Needs images like those the model was trained on, labelled or not. The preprocessing and " +
    "the class names travel inside the model that is written.",
  operands: [{ name: "MODEL", summary: "The trained model, ONNX, in float" }],
  options: [
    ...Object.values(calibrationOptions),
    out,
    ...Object.values(recipeOptions),
    ...Object.values(evaluationOptions),
    classesOption,
    preprocessingOption,
    reportDir,
    noReport,
    strictOption,
  ],
  examples: [
    { line: "cupel compress resnet50.onnx --images calib/ -o resnet50.int8.onnx", says: "8 bits" },
    {
      line: "cupel compress resnet50.onnx --images calib/ --eval-images val/ --max-drop 0.7 -o resnet50.small.onnx",
      says: "as small as it gets while losing at most 0.7 points",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --max-bytes 11.3MB -o resnet50.small.onnx",
      says: "as accurate as it gets in 11.3 MB",
    },
  ],
  async run(given, context) {
    const path = given.operands[0]!;
    const paths = await outputPaths(required(given, out), given.get(reportDir), path);
    const recipe = await chooseRecipe(given);
    const opened = await openModel(path);
    const preprocessing = preprocessingOf(opened, given.get(preprocessingOption), context.remark);
    const images = await chooseImages(given, opened, context.seed, context.remark);
    const compressed = await compressModel(
      {
        opened,
        images,
        preprocessing,
        recipe,
        paths,
        strict: given.get(strictOption),
        wantsReport: !given.get(noReport),
      },
      context,
    );
    return { json: summaryJson(compressed), text: summaryText(compressed) };
  },
};

/** The whole report lies in its file; what a script decides by is repeated here. */
export function summaryJson({ paths, bytes, result, report }: Compressed): Record<string, unknown> {
  return {
    model: paths.model,
    bytes,
    recipe: result.recipe,
    calibration: result.calibration,
    layers: result.layers,
    tradeOff: result.tradeOff,
    report: report && {
      html: paths.reportHtml,
      json: paths.reportJson,
      accuracy: report.accuracy && {
        images: report.accuracy.images,
        top1: report.accuracy.top1,
        top5: report.accuracy.top5,
        difference: report.accuracy.difference,
      },
      agreement: report.agreement,
      fusion: report.fusion,
      firstBadLayer: report.firstBadLayer,
    },
  };
}
