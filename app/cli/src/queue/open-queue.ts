/**
 * The connection to the queue. bullmq and ioredis are loaded here only, when a queue was named. Later breaks are mended by
 * themselves and told once; the first connection is made or refused.
 */

import { errorFrom, reasonOf } from "@cupel/base";
import type { Redis } from "ioredis";
import { cliErrors } from "../errors.ts";
import { cupelVersion } from "../version.ts";
import type { QueueUrl } from "./queue-url.ts";
import type { SharedFolder } from "./shared-folder.ts";

export interface QueueConnection extends AsyncDisposable {
  readonly client: Redis;
  readonly bullmq: typeof import("bullmq");
}

const connectTimeoutMs = 10_000;
const longestPauseMs = 5_000;

/** Others neither see its jobs nor take them: of another version, or another shared folder. */
export function queueName({ id }: SharedFolder): string {
  return `cupel-${cupelVersion()}-${id}`;
}

/** @throws QUEUE_UNREACHABLE, QUEUE_DENIED */
export async function openQueue(
  url: QueueUrl,
  { signal, remark }: { readonly signal: AbortSignal; readonly remark: (sentence: string) => void },
): Promise<QueueConnection> {
  const [{ Redis }, bullmq] = await Promise.all([import("ioredis"), import("bullmq")]);
  let isOpen = false;
  let isLost = false;
  let reason: unknown = null;
  const client = new Redis({
    host: url.host,
    port: url.port,
    db: url.db,
    ...(url.username !== undefined && { username: url.username }),
    ...(url.password !== undefined && { password: url.password }),
    ...(url.isSecure && { tls: {} }),
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    // What a job has come to is not given up while the queue is away.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (isOpen ? Math.min(200 * times, longestPauseMs) : null),
  });
  client.on("error", (thrown: unknown) => {
    reason = thrown;
  });
  client.on("close", () => {
    if (!isOpen || isLost) return;
    isLost = true;
    remark(`The queue at ${url.shown} is away; work goes on where it can, and it is tried again.`);
  });
  client.on("ready", () => {
    if (isLost) remark(`The queue at ${url.shown} is back.`);
    isLost = false;
  });
  const onAbort = () => {
    if (!isOpen) client.disconnect();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await client.connect();
    await client.ping();
    isOpen = true;
  } catch (thrown) {
    client.disconnect();
    if (signal.aborted) throw errorFrom(thrown, signal);
    throw refusedBy(url, [thrown, reason]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  return {
    client,
    bullmq,
    async [Symbol.asyncDispose]() {
      isOpen = false;
      client.disconnect();
    },
  };
}

const denials = /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid password|Client sent AUTH|AUTH ))/;

/** What the server said is more than that the connection was closed after it. */
function refusedBy({ shown }: QueueUrl, thrown: readonly unknown[]) {
  const reasons = thrown.filter((each) => each !== null).map((each) => describe(each));
  const denied = reasons.find((each) => denials.test(each));
  if (denied !== undefined) {
    return cliErrors.error(
      "QUEUE_DENIED",
      `The queue at ${shown} refuses the name or the password: ${denied}. Give redis://NAME@HOST and the password in CUPEL_QUEUE_PASSWORD.`,
      { details: { queue: shown } },
    );
  }
  const told = reasons.find((each) => each !== "" && !/Connection is closed/.test(each)) ?? reasons[0];
  return cliErrors.error(
    "QUEUE_UNREACHABLE",
    `No Redis or Valkey answers at ${shown}: ${told ?? "it closed the connection"}. Check the address, that it runs, and rediss:// for TLS.`,
    { details: { queue: shown } },
  );
}

/** A host with several addresses fails once for each. */
function describe(thrown: unknown): string {
  const all = thrown instanceof AggregateError ? thrown.errors : [thrown];
  return all.map((each) => reasonOf(each).replace(/\.+$/, "")).join("; ");
}
