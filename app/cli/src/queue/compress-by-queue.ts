/**
 * `cupel compress --queue`: every recipe on every model is a job; of what they come to, the submitter keeps for each model the
 * one that meets the target, and makes its report here, where nothing else runs.
 */
import { assertWritable, CupelError } from "@cupel/base";
import { invalid } from "../arguments/option.ts";
import { type Given, required } from "../arguments/parse.ts";
import type { CommandContext, Outcome } from "../commands/command.ts";
import { recipeOptions } from "../compress/choose-recipe.ts";
import type { Compressed } from "../compress/compress-with-report.ts";
import { summaryJson, summaryText } from "../compress/summary.ts";
import { cliErrors } from "../errors.ts";
import { isolationOptions } from "../input/isolation.ts";
import { profileOption } from "../profile/profiled.ts";
import { reportFiles } from "../report/report-files.ts";
import { finishModel } from "./finish-model.ts";
import { openQueue } from "./open-queue.ts";
import { type ModelWork, modelsOf, recipesOf } from "./order-jobs.ts";
import type { QueueUrl } from "./queue-url.ts";
import { SharedFolder } from "./shared-folder.ts";
import { type JobOutcome, submit } from "./submit.ts";
import { shareOption, submitOptions } from "./submit-options.ts";

export interface QueuedOrder {
  readonly url: QueueUrl;
  /** A file; for a folder of models a folder. */
  readonly out: string;
  readonly reportFolder: string | undefined;
  readonly report: boolean;
}

/** @throws what `SharedFolder`, `modelsOf`, `openQueue`, `submit` and, for a single model, `finishModel` throw */
export async function compressByQueue(
  given: Given,
  { url, out, reportFolder, report }: QueuedOrder,
  context: CommandContext,
): Promise<Outcome> {
  refuseLocal(given);
  const share = await SharedFolder.open(required(given, shareOption));
  const { recipes, target } = await recipesOf(given, context.remark);
  const models = await modelsOf(given.operands[0]!, out, share, given, recipes, context.signal);
  await assertWritable(
    models.flatMap((model) => [
      model.out,
      ...(report ? Object.values(reportFiles(model.out, reportFolder)) : []),
    ]),
  );
  const outcomes = new Map<string, JobOutcome>();
  {
    await using queue = await openQueue(url, context);
    await submit(queue, share, new Map(models.flatMap(({ jobs }) => [...jobs])), {
      ...context,
      keepJobs: given.get(submitOptions.keepJobs),
      onOutcome(key, outcome) {
        outcomes.set(key, outcome);
        for (const model of models) {
          if (model.jobs.has(key) && [...model.jobs.keys()].every((each) => outcomes.has(each))) {
            context.say(`${model.name}: ${countsText(model, outcomes)}`);
          }
        }
      },
    });
  }

  const made: Compressed[] = [];
  const failures: { readonly model: string; readonly code: string; readonly message: string }[] = [];
  for (const model of models) {
    try {
      made.push(await finishModel(model, outcomes, { share, target, given, report, reportFolder, context }));
    } catch (thrown) {
      const goesOn = thrown instanceof CupelError && models.length > 1 && !context.signal.aborted;
      if (!goesOn) throw thrown;
      failures.push({ model: model.name, code: thrown.code, message: thrown.message });
      context.remark(`${model.name} has no result: ${thrown.message}`);
    }
  }
  const [single] = models.length === 1 ? made : [];
  return {
    json: single ? summaryJson(single) : { models: made.map(summaryJson), failed: failures },
    text: made.map(summaryText).join("\n\n"),
    failure: failures.length === 0 ? null : without(failures, models.length),
  };
}

/** What is of this process has no meaning where others do the work. @throws OPTION_INVALID */
function refuseLocal(given: Given): void {
  const idle = [profileOption, ...isolationOptions].find((option) => given.has(option));
  if (idle) throw invalid(idle.name, "is of no use with --queue: each job has a process of its own");
  const single = [recipeOptions.bits, recipeOptions.recipe].find((option) => given.has(option));
  if (given.has(submitOptions.tried) && single) {
    throw invalid("try", `cannot be given with --${single.name}, which is the one recipe`);
  }
}

/** "6 of 7 recipes measured, 1 refused". */
function countsText({ jobs }: ModelWork, outcomes: ReadonlyMap<string, JobOutcome>): string {
  const kinds = [...jobs.keys()].map((key) => outcomes.get(key)?.kind);
  const count = (kind: JobOutcome["kind"]) => kinds.filter((each) => each === kind).length;
  return [
    `${count("measured")} of ${jobs.size} recipes measured`,
    ...(count("refused") > 0 ? [`${count("refused")} refused`] : []),
    ...(count("failed") > 0 ? [`${count("failed")} failed`] : []),
  ].join(", ");
}

function without(failures: readonly { readonly model: string }[], of: number) {
  const names = failures.map(({ model }) => model).join(", ");
  return cliErrors.error(
    "QUEUE_JOBS_FAILED",
    `${failures.length} of ${of} models have no result: ${names}.`,
    {
      details: { failures },
    },
  );
}
