/**
 * Entry of the thread that hosts one engine session.
 *
 * Runs are executed in the order they arrived. Between two runs the thread returns to its event loop (the
 * binding schedules each with `setImmediate`), so a `cancel` or `close` posted meanwhile overtakes the queue.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { EngineOptions } from "./engine-options.ts";
import { type EngineSession, openEngineSession, prepareEngineThread } from "./engine-session.ts";
import { type GuardMemory, guarded } from "./exit-guard.ts";
import type { PostedModel } from "./model-source.ts";
import { postError } from "./posted-error.ts";
import type { SessionReply, SessionRequest } from "./session-protocol.ts";

if (parentPort === null) throw new Error("session-worker.ts is the entry of a worker thread.");
const port = parentPort;
const guard: GuardMemory = workerData;
prepareEngineThread();

type QueuedRun = Extract<SessionRequest, { kind: "run" }>;
let session: EngineSession | null = null;
let queue: QueuedRun[] = [];
let busy = false;
let closing = false;

port.on("message", (request: SessionRequest) => {
  switch (request.kind) {
    case "open":
      void open(request.model, request.options);
      break;
    case "run":
      queue.push(request);
      if (!busy) void drain();
      break;
    case "cancel":
      queue = queue.filter((run) => run.id !== request.id);
      break;
    case "close":
      queue = [];
      closing = true;
      if (!busy) void end();
      break;
  }
});

async function open(model: PostedModel, options: EngineOptions): Promise<void> {
  busy = true;
  try {
    session = await guarded(guard, () => openEngineSession(model, options));
    reply({ kind: "opened", inputs: session.inputs, outputs: session.outputs });
    await drain();
  } catch (thrown) {
    reply({ kind: "refused", error: postError(thrown) });
    await end();
  }
}

async function drain(): Promise<void> {
  busy = true;
  for (let run = queue.shift(); run && session; run = queue.shift()) await execute(session, run);
  busy = false;
  if (closing) await end();
}

async function execute(session: EngineSession, { id, feeds, fetches }: QueuedRun): Promise<void> {
  try {
    const run = await guarded(guard, () => session.run(feeds, fetches));
    const buffers = new Set<ArrayBuffer>();
    for (const { data } of Object.values(run.outputs)) {
      if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
    }
    reply({ kind: "done", id, run }, [...buffers]);
  } catch (thrown) {
    reply({ kind: "failed", id, error: postError(thrown) });
  }
}

/** With the port closed nothing keeps the thread alive, and it ends by itself. */
async function end(): Promise<void> {
  await guarded(guard, async () => session?.[Symbol.asyncDispose]());
  session = null;
  port.close();
}

function reply(message: SessionReply, moved: ArrayBuffer[] = []): void {
  port.postMessage(message, moved);
}
