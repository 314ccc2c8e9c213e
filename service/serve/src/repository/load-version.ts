/**
 * One version from its bytes to a session that answers: the gate is asked, the bytes are tried in a process of their own,
 * then opened here and run once. Nothing of it is in service yet.
 *
 * What the engine made of the same bytes before is opened instead of them, where it is kept: these bytes have been tried
 * then. The gate is asked all the same.
 */
import { CupelError, type Gate, type GateRequest, reasonOf, throwIfCancelled } from "@cupel/base";
import {
  type CacheTarget,
  type EngineCache,
  type FeedSizes,
  type IsolationLimits,
  openSession,
  type Trial,
  tryIsolated,
} from "@cupel/runtime";
import { serveErrors } from "../errors.ts";
import { type Content, gateFiles } from "./content.ts";
import type { VersionName } from "./model-events.ts";
import { readProperties } from "./model-properties.ts";
import { type OpenedVersion, openVersion, type VersionParts } from "./open-version.ts";

export interface LoadOptions {
  readonly gate: Gate;
  readonly trial: IsolationLimits | "none";
  readonly cache: EngineCache | null;
  readonly threads: number | undefined;
  readonly spins: boolean;
  readonly instances: number;
  readonly parts: VersionParts;
  /** Told in a sentence what is odd about the model and does not keep it from being served. */
  readonly remark: (sentence: string) => void;
}

/** Pixels a side to try where nobody says: those of `tryIsolated`. */
const usualSides = [224, 64, 32];

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
  const { gate, threads, spins, instances, parts, remark } = options;
  await assertAllowed(gate, { model, version }, { path: origin, files: gateFiles(origin, content) }, signal);
  // Before anything here looks into it: what grows without end does so in the process that tries it.
  const { graph, trial } = await prepare(content, options, signal);
  const { properties, side, problems } = await readProperties(content.path);
  for (const problem of problems) remark(problem);
  const file = { model, version, path: content.path, digest: content.digest, properties };
  const sides = [...(side === undefined ? [] : [side]), ...usualSides];
  const opening = {
    parts,
    threads,
    instances,
    configEntries: engineEntries(spins),
    sizes: trial === null ? sides.map((side): FeedSizes => ({ side })) : [sizesOf(trial)],
    signal,
  };
  if (graph !== null) {
    try {
      return await openVersion(file, { ...opening, graph });
    } catch (thrown) {
      throwIfCancelled(signal, "Loading the model");
      remark(
        `What the engine's cache has of it cannot be opened (${reasonOf(thrown)}); the model itself is.`,
      );
    }
  }
  return await openVersion(file, { ...opening, graph: null });
}

/** @throws MODEL_REFUSED, what the gate throws */
export async function assertAllowed(
  gate: Gate,
  { model, version }: VersionName,
  request: GateRequest,
  signal: AbortSignal,
): Promise<void> {
  const verdict = await gate.allow(request, signal);
  if (verdict.allowed) return;
  throw serveErrors.error(
    "MODEL_REFUSED",
    `Version ${version} of the model "${model}" was refused: ${verdict.reason}`,
    { details: { model, version, path: request.path, ...verdict.details } },
  );
}

interface Prepared {
  readonly graph: string | null;
  /** Null where none was needed. */
  readonly trial: Trial | null;
}

async function prepare(content: Content, options: LoadOptions, signal: AbortSignal): Promise<Prepared> {
  const { cache, remark } = options;
  const key = { digest: content.digest };
  if (cache === null) return { graph: null, trial: await tried(content.path, options, null, signal) };
  const found = await cache.find(key, signal);
  if (found !== null) return { graph: found, trial: null };
  let trial: Trial | null = null;
  try {
    const graph = await cache.fill(
      key,
      async (target) => {
        trial = await tried(content.path, options, target, signal);
      },
      signal,
    );
    return { graph, trial };
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || !mayBeOfTheCache.has(thrown.code)) throw thrown;
    // It may be the model, or the file that the engine could not write.
    const plain = await tried(content.path, options, null, signal);
    remark(`The engine's cache has no room for it, or the engine cannot write it: ${thrown.message}`);
    return { graph: null, trial: plain };
  }
}

const mayBeOfTheCache: ReadonlySet<string> = new Set(["MODEL_LOAD_FAILED", "WRITE_FAILED", "DISK_FULL"]);

/** @param target where the engine is to leave its graph; null for nowhere. @returns null where nothing was to be tried */
async function tried(
  path: string,
  { trial, threads, spins }: LoadOptions,
  target: CacheTarget | null,
  signal: AbortSignal,
): Promise<Trial | null> {
  const configEntries = { ...engineEntries(spins), ...target?.configEntries };
  const opening = { threads, ...target, configEntries, signal };
  if (trial !== "none") return await tryIsolated(path, { ...opening, limits: trial });
  if (target !== null) await (await openSession(path, opening)).close();
  return null;
}

function sizesOf({ fed }: Trial): FeedSizes {
  return { shapes: Object.fromEntries(fed.map(({ name, dims }) => [name, dims])) };
}

/** Threads that spin wait in the cores that the faces, and other sessions, would use. */
function engineEntries(spins: boolean): Readonly<Record<string, string>> {
  return spins ? {} : { "session.intra_op.allow_spinning": "0" };
}
