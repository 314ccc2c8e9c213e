/**
 * Who works: a set in the queue with an entry a worker, each signed again while it is there. So a submitter can say why
 * nobody takes its jobs instead of waiting in silence.
 */
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import { cliErrors } from "../errors.ts";
import { cupelVersion } from "../version.ts";
import { jsonObject } from "./json-object.ts";
import type { SharedFolder } from "./shared-folder.ts";

export interface WorkerEntry {
  readonly name: string;
  /** Of cupel. */
  readonly version: string;
  /** Of the shared folder. */
  readonly share: string;
}

const set = "cupel:workers";
const signedEveryMs = 10_000;
/** One that has not signed for so long is gone. */
const goneAfterSeconds = 30;

export function workerName(): string {
  return `${hostname()}-${process.pid}`;
}

/** Signs until it is disposed of. */
export async function signUp(client: Redis, name: string, { id }: SharedFolder): Promise<AsyncDisposable> {
  const entry = JSON.stringify({ name, version: cupelVersion(), share: id } satisfies WorkerEntry);
  const sign = async () => {
    await client.zadd(set, await secondsOf(client), entry);
  };
  await sign();
  const timer = setInterval(() => void sign().catch(() => {}), signedEveryMs).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      // Where the queue is away, the entry goes by itself.
      if (client.status === "ready") await client.zrem(set, entry).catch(() => {});
    },
  };
}

export async function workersOf(client: Redis): Promise<readonly WorkerEntry[]> {
  const now = await secondsOf(client);
  await client.zremrangebyscore(set, 0, now - 10 * goneAfterSeconds);
  const texts = await client.zrangebyscore(set, now - goneAfterSeconds, "+inf");
  return texts.flatMap((text) => {
    const { name, version, share } = jsonObject(JSON.parse(text)) ?? {};
    if (typeof name !== "string" || typeof version !== "string" || typeof share !== "string") return [];
    return [{ name, version, share }];
  });
}

/** The clocks of machines differ; the queue has one. */
async function secondsOf(client: Redis): Promise<number> {
  const [seconds] = await client.time();
  return Number(seconds);
}

/** @returns those that take the jobs of this version and folder. @throws QUEUE_WORKERS_DIFFER where there are others only */
export function fitting(workers: readonly WorkerEntry[], { id, path }: Pick<SharedFolder, "id" | "path">) {
  const version = cupelVersion();
  const fit = workers.filter((worker) => worker.version === version && worker.share === id);
  if (fit.length > 0 || workers.length === 0) return fit;
  const reasons = workers.map((worker) =>
    worker.version === version
      ? `${worker.name} works in another shared folder`
      : `${worker.name} is cupel ${worker.version}`,
  );
  throw cliErrors.error(
    "QUEUE_WORKERS_DIFFER",
    `No worker can take these jobs, of cupel ${version} in ${path}: ${reasons.join("; ")}. ` +
      "Start workers of the same version with the same folder.",
    { details: { version, share: path, workers } },
  );
}
