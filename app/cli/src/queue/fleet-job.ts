/**
 * A job of the fleet: one recipe on one model, measured. Data only, and its key is the digest of all that decides the result,
 * so that the same work is one job whoever asks for it, and a job that changed is another.
 */
import type { Floor, Recipe } from "@cupel/compress";
import type { TaskName } from "@cupel/predict";
import { digestOfJson } from "../audit/input-facts.ts";
import { jsonObject } from "./json-object.ts";

/** Of a file in the shared folder. */
export interface JobFile {
  /** Relative to the shared folder, with "/". */
  readonly path: string;
  /** SHA-256; of a folder that of the names and sizes in it. */
  readonly digest: string;
}

export interface FleetJob {
  /** Of cupel: others may measure otherwise. */
  readonly version: string;
  /** Its digest is `modelDigest`. */
  readonly model: JobFile;
  /** A file, or the words "synthetic:..." */
  readonly images: JobFile | string;
  readonly labels: JobFile | null;
  readonly labelColumn: string | null;
  readonly classes: JobFile | null;
  readonly inputs: JobFile | null;
  /** Whether a part of the images is kept for the final figure. */
  readonly keepsApart: boolean;
  readonly recipe: Recipe;
  readonly floor: Floor | null;
  readonly task: TaskName | null;
  readonly preprocessing: string | null;
  readonly allowChance: boolean;
  readonly strict: boolean;
  readonly seed: number;
}

/** A model is the same under any name. */
export function keyOf({ model, ...job }: FleetJob): string {
  return digestOfJson({ ...job, model: model.digest });
}

/** What came from the queue is a job where its key is that of its content. */
export function isJob(data: unknown, key: string | undefined): data is FleetJob {
  const { model, ...rest } = jsonObject(data) ?? {};
  const { path, digest } = jsonObject(model) ?? {};
  return typeof path === "string" && digestOfJson({ ...rest, model: digest }) === key;
}
