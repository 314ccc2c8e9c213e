/** The end of a model's jobs: the point that meets the target, its model out of the shared folder, and a report made here. */
import { assertOtherFile, choosePoint, compressErrors, type SizeTarget } from "@cupel/compress";
import { classesOf, matchLabels, openModel, tasks, withoutLabels } from "@cupel/predict";
import { makeReport } from "@cupel/report";
import type { ImageSource } from "@cupel/vision";
import type { Given } from "../arguments/parse.ts";
import type { CommandContext } from "../commands/command.ts";
import type { Compressed } from "../compress/compress-with-report.ts";
import { calibrationOptions, evaluationOptions } from "../compress/image-options.ts";
import { cliErrors } from "../errors.ts";
import { classesOption, openGiven, taskLabels } from "../input/image-options.ts";
import { givenInputs } from "../input/model-options.ts";
import { taskOption } from "../input/open-for-images.ts";
import { removeReport, reportFiles, writeReport } from "../report/report-files.ts";
import type { FleetJob } from "./fleet-job.ts";
import type { Measured } from "./job-result.ts";
import type { ModelWork } from "./order-jobs.ts";
import { withoutCredentials } from "./queue-url.ts";
import { imagesKeptApart } from "./run-job.ts";
import type { SharedFolder } from "./shared-folder.ts";
import type { JobOutcome } from "./submit.ts";

export interface FinishOptions {
  readonly share: SharedFolder;
  readonly target: SizeTarget;
  readonly given: Given;
  readonly report: boolean;
  readonly reportFolder: string | undefined;
  readonly context: CommandContext;
}

/** @throws BUDGET_UNREACHABLE, QUEUE_JOBS_FAILED, QUEUE_RESULT_DAMAGED, OUTPUT_IS_INPUT, and what `makeReport` throws */
export async function finishModel(
  work: ModelWork,
  outcomes: ReadonlyMap<string, JobOutcome>,
  options: FinishOptions,
): Promise<Compressed> {
  const { share, target, context } = options;
  const { signal, remark } = context;
  const measured = measuredOf(work, outcomes, remark);
  const { chosen } = choosePoint(
    measured.map((each) => ({ ...each.point, chosen: each })),
    target,
  );
  const tradeOff = measured
    .toSorted((a, b) => b.point.bytes - a.point.bytes)
    .map((each) => ({ bytes: each.point.bytes, loss: each.point.loss, chosen: each === chosen }));
  // What a search within the recipe found says more than one point.
  const facts = { ...chosen.file, tradeOff: tradeOff.length > 1 ? tradeOff : chosen.file.tradeOff };
  for (const note of chosen.notes) remark(`${work.name}: ${note}`);
  const files = reportFiles(work.out, options.reportFolder);
  await assertOtherFile(work.out, work.path);
  await share.takeModel(chosen.model, work.out, signal);
  removeReport(files);
  const job = work.jobs.get(chosen.key)!;
  const report = options.report ? await reportOn(work, job, facts, options) : null;
  if (report) await writeReport(report, files, signal);
  return { ...facts, report, model: work.out, files };
}

/** @throws QUEUE_JOBS_FAILED, BUDGET_UNREACHABLE where there is none */
function measuredOf(
  { name, jobs }: ModelWork,
  outcomes: ReadonlyMap<string, JobOutcome>,
  remark: (sentence: string) => void,
): Measured[] {
  const all = [...jobs.keys()].flatMap((key) => outcomes.get(key) ?? []);
  const measured = all.filter((each) => each.kind === "measured");
  const failed = all.filter((each) => each.kind === "failed");
  const reasons = [...new Set(failed.map(({ code, message }) => `${code}: ${message}`))].join(" ");
  if (measured.length > 0) {
    if (failed.length > 0) remark(`${name}: ${failed.length} of ${jobs.size} jobs failed. ${reasons}`);
    return measured;
  }
  if (failed.length > 0) {
    throw cliErrors.error(
      "QUEUE_JOBS_FAILED",
      `${name}: ${failed.length} of ${jobs.size} jobs failed, and none has a result. ${reasons}`,
      { details: { failed } },
    );
  }
  const refused = all.filter((each) => each.kind === "refused");
  throw compressErrors.error(
    "BUDGET_UNREACHABLE",
    `${name}: no recipe gives a model that will do. ${[...new Set(refused.map(({ message }) => message))].join(" ")}`,
    { details: { refused: refused.map(({ code, message }) => ({ code, message })) } },
  );
}

async function reportOn(
  { path, out }: ModelWork,
  job: FleetJob,
  facts: Measured["file"],
  { share, given, context: { line, seed, threads, signal, progress, remark } }: FinishOptions,
) {
  const evaluationPath = given.get(evaluationOptions.images);
  const options = evaluationPath === undefined ? calibrationOptions : evaluationOptions;
  const source =
    evaluationPath === undefined
      ? await imagesKeptApart(job, share)
      : await openGiven(given, evaluationOptions, evaluationPath, remark);
  const labels = await taskLabels(given, options);
  const classes = given.has(classesOption) ? source.classes : null;
  return await makeReport({
    originalPath: path,
    compressedPath: out,
    images: evaluationPath === undefined ? await usable(source, path, classes, given) : source,
    preprocessing: facts.chosen.preprocessing,
    preprocessingOrigin: facts.chosen,
    madeBy: { command: withoutCredentials(line), calibration: given.get(calibrationOptions.images) },
    classes,
    taskName: given.get(taskOption),
    labels: labels.path,
    labelColumn: labels.column,
    compression: facts,
    inputs: await givenInputs(given),
    seed,
    threads,
    signal,
    progress,
  });
}

/** Class folders may be there for order only: labels that are no classes of the model are left out, as in its jobs. */
async function usable(
  source: ImageSource,
  path: string,
  classes: readonly string[] | null,
  given: Given,
): Promise<ImageSource> {
  const task = given.get(taskOption);
  const { model } = await openModel(path);
  if (task !== undefined && task !== "classification") return source;
  const count = tasks.classification.classCount(model.graph.outputs[0]?.shape ?? []);
  return matchLabels(source, classesOf(model, classes, count)).images ?? withoutLabels(source);
}
