/**
 * Bytes that JavaScript allocates, garbage included, in this thread and in those of open sessions: V8's
 * sampling heap profiler, which estimates them without bias from one object in every so many bytes.
 */
import type { HeapProfiler } from "node:inspector";
import { Session as InspectorSession } from "node:inspector/promises";

export interface Allocation {
  readonly thisThread: number;
  /** Of all workers together. */
  readonly workers: number;
}

const parameters = {
  /** Bytes between samples, on average. */
  samplingInterval: 512,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};

/** `work` MUST leave the workers that are open as they are. */
export async function allocationOf(work: () => Promise<void>): Promise<Allocation> {
  const inspector = new InspectorSession();
  inspector.connect();
  // An idle session does not keep the process alive, and neither does waiting for its answer.
  const alive = setInterval(() => {}, 1000);
  try {
    const workers: string[] = [];
    inspector.on("NodeWorker.attachedToWorker", ({ params }) => workers.push(params.sessionId));
    await inspector.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
    for (const worker of workers) await askWorker(inspector, worker, "HeapProfiler.startSampling");
    await inspector.post("HeapProfiler.startSampling", parameters);
    await work();
    const { profile } = await inspector.post("HeapProfiler.stopSampling");
    let inWorkers = 0;
    for (const worker of workers) {
      const reply = await askWorker(inspector, worker, "HeapProfiler.stopSampling");
      inWorkers += reply.profile ? bytesOf(reply.profile.head) : 0;
    }
    return { thisThread: bytesOf(profile.head), workers: inWorkers };
  } finally {
    clearInterval(alive);
    inspector.disconnect();
  }
}

type Reply = Partial<HeapProfiler.StopSamplingReturnType>;

/** One question to a worker at a time; its answers come as events. */
async function askWorker(inspector: InspectorSession, sessionId: string, method: string): Promise<Reply> {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  inspector.once("NodeWorker.receivedMessageFromWorker", ({ params }) =>
    resolve(JSON.parse(params.message).result ?? {}),
  );
  const message = JSON.stringify({ id: 1, method, params: parameters });
  await inspector.post("NodeWorker.sendMessageToWorker", { sessionId, message });
  return promise;
}

function bytesOf({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number {
  return selfSize + children.reduce((sum, child) => sum + bytesOf(child), 0);
}
