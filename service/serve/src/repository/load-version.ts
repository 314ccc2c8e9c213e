/**
 * One version from its bytes to a session that answers: the gate is asked, the bytes are tried in a process of their own,
 * then opened here and run once. Nothing of it is in service yet.
 */
import type { Gate } from "@cupel/base";
import { type FeedSizes, type IsolationLimits, tryIsolated } from "@cupel/runtime";
import { serveErrors } from "../errors.ts";
import type { Content } from "./content.ts";
import type { VersionName } from "./model-events.ts";
import { readProperties } from "./model-properties.ts";
import { type OpenedVersion, openVersion, type VersionParts } from "./open-version.ts";

export interface LoadOptions {
  readonly gate: Gate;
  readonly trial: IsolationLimits | "none";
  readonly threads: number | undefined;
  readonly spins: boolean;
  readonly parts: VersionParts;
  /** Told in a sentence what the model says of itself and cannot mean. */
  readonly remark: (sentence: string) => void;
}

/**
 * @param origin the path that the bytes were taken from, which the gate knows.
 * @throws MODEL_REFUSED, what the gate throws, what `tryIsolated` and `openVersion` throw
 */
export async function loadVersion(
  { model, version }: VersionName,
  origin: string,
  content: Content,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<OpenedVersion> {
  const { gate, trial, threads, spins, parts, remark } = options;
  const verdict = await gate.allow(origin, signal);
  if (!verdict.allowed) {
    throw serveErrors.error(
      "MODEL_REFUSED",
      `Version ${version} of the model "${model}" was refused: ${verdict.reason}`,
      { details: { model, version, path: origin, ...verdict.details } },
    );
  }
  const tuning = { threads, configEntries: engineEntries(spins), signal };
  // Before anything else here looks into it: what grows without end does so there.
  const tried = trial === "none" ? null : await tryIsolated(content.path, { ...tuning, limits: trial });
  const { properties, side, problems } = await readProperties(content.path);
  for (const problem of problems) remark(problem);
  const sizes: FeedSizes =
    tried === null
      ? { side }
      : { shapes: Object.fromEntries(tried.fed.map(({ name, dims }) => [name, dims])) };
  return openVersion(
    { model, version, path: content.path, digest: content.digest, properties },
    { ...tuning, parts, sizes },
  );
}

/** Threads that spin wait in the cores that the faces, and other sessions, would use. */
function engineEntries(spins: boolean): Readonly<Record<string, string>> {
  return spins ? {} : { "session.intra_op.allow_spinning": "0" };
}
