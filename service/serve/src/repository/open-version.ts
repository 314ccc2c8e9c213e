/** Loads the file of one version. */
import { hash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { predictErrors } from "@cupel/predict";
import { openSession } from "@cupel/runtime";
import type { ModelVersion } from "./model-version.ts";

export interface VersionFile {
  readonly model: string;
  readonly version: string;
  readonly path: string;
}

/** @throws what opening a session throws */
export async function openVersion({ model, version, path }: VersionFile): Promise<ModelVersion> {
  const digest = hash("sha256", await readFile(path), "hex");
  const session = await openSession(path);
  const noImages = () =>
    predictErrors.error("INPUT_UNSUPPORTED", `The model "${model}" takes no images here.`);
  return {
    model,
    version,
    digest,
    sessionId: randomUUID(),
    inputs: session.inputs,
    outputs: session.outputs,
    properties: {},
    imageInput: null,
    run: (feeds, { fetches, call }) => session.timedRun(feeds, { fetches, signal: call.signal }),
    prepare: () => Promise.reject(noImages()),
    predict: () => Promise.reject(noImages()),
    [Symbol.asyncDispose]: () => session.close({ drain: true }),
  };
}
