/**
 * The work of a job: check what it works with, measure its recipe, put the model and then the result into the shared folder.
 * Two that do the same job leave one result: the first.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileDigest, openTemporaryFolder, readRegular } from "@cupel/base";
import { keepApart, measureRecipe } from "@cupel/compress";
import { readSafetensors } from "@cupel/runtime";
import { listingDigest, modelDigest } from "../audit/input-facts.ts";
import { cliErrors } from "../errors.ts";
import { openSource } from "../input/image-options.ts";
import type { FleetJob, JobFile } from "./fleet-job.ts";
import { isRefusal, measuredJson, refusedJson } from "./job-result.ts";
import type { SharedFolder } from "./shared-folder.ts";

export interface RunJobOptions {
  readonly threads: number;
  readonly signal: AbortSignal;
}

/** @throws QUEUE_INPUT_CHANGED, QUEUE_INPUT_OUTSIDE, and what `measureRecipe` throws but for refusals */
export async function runJob(
  job: FleetJob,
  key: string,
  share: SharedFolder,
  { threads, signal }: RunJobOptions,
): Promise<void> {
  if ((await share.result(key)) !== null) return;
  await assertInputs(job, share, signal);
  await using folder = await openTemporaryFolder("job");
  const out = join(folder.path, "model.onnx");
  const notes: string[] = [];
  const pathOf = async (file: JobFile | null) => (file === null ? null : await share.pathOf(file.path));
  const inputs = await pathOf(job.inputs);
  const { rest, heldOut, classes } = await imagesOf(job, share);
  const measured = await measureRecipe(await share.pathOf(job.model.path), {
    out,
    images: rest,
    judge: heldOut,
    classes,
    needsLabels: job.labels !== null || job.labelColumn !== null,
    taskName: job.task ?? undefined,
    preprocessing: job.preprocessing ?? undefined,
    inputs: inputs === null ? undefined : readSafetensors(await readRegular(inputs)).tensors,
    recipe: job.recipe,
    floor: job.floor,
    allowChance: job.allowChance,
    strict: job.strict,
    seed: job.seed,
    threads,
    signal,
    onFact: (fact) => {
      if (fact.kind === "note") notes.push(fact.sentence);
    },
  }).catch((thrown: unknown) => {
    if (isRefusal(thrown)) return thrown;
    throw thrown;
  });
  await assertInputs(job, share, signal);
  if (isRefusal(measured)) {
    await share.putResult(key, refusedJson(key, measured));
    return;
  }
  const model = await share.putModel(out, signal);
  await share.putResult(key, measuredJson(key, model, measured, notes));
}

/**
 * The images a job calibrates with, and those it measures the loss on; the submitter's final figure is of others, which
 * `imagesKeptApart` gives. The same on every machine.
 */
async function imagesOf(job: FleetJob, share: SharedFolder) {
  const source = await openJobImages(job, share);
  const left = job.keepsApart ? keepApart(source, job.seed).rest : source;
  return { ...keepApart(left, job.seed), classes: job.classes && source.classes };
}

/** Of the images of a job those for the final figure. */
export async function imagesKeptApart(job: FleetJob, share: SharedFolder) {
  return keepApart(await openJobImages(job, share), job.seed).heldOut;
}

async function openJobImages(
  { images, labels, labelColumn, classes, strict }: FleetJob,
  share: SharedFolder,
) {
  const pathOf = async (file: JobFile | null) => (file === null ? undefined : await share.pathOf(file.path));
  return await openSource(typeof images === "string" ? images : await share.pathOf(images.path), {
    labels: await pathOf(labels),
    labelColumn: labelColumn ?? undefined,
    classes: await pathOf(classes),
    strict,
  });
}

/** @throws QUEUE_INPUT_CHANGED, and what reading throws */
async function assertInputs(job: FleetJob, share: SharedFolder, signal: AbortSignal): Promise<void> {
  const { model, images, labels, classes, inputs } = job;
  const others = [images, labels, classes, inputs].filter((each) => typeof each === "object");
  for (const file of [model, ...others]) {
    if (file === null) continue;
    const path = await share.pathOf(file.path);
    const found = file === model ? await modelDigest(path, signal) : await contentDigest(path, signal);
    if (found === file.digest) continue;
    throw cliErrors.error(
      "QUEUE_INPUT_CHANGED",
      `${path} is not what it was when the job was submitted. Submit again.`,
      { details: { path, digest: found, expected: file.digest } },
    );
  }
}

/** Of a folder that of the names and sizes in it: to read all images would take as long as the work. */
export async function contentDigest(path: string, signal: AbortSignal): Promise<string> {
  return (await stat(path)).isDirectory() ? await listingDigest(path) : await fileDigest(path, { signal });
}
