/**
 * Entry of the thread that hosts one engine session.
 *
 * Tasks are done in the order they arrived. Between two runs the thread returns to its event loop (the
 * binding schedules each with `setImmediate`), so a `cancel` or `close` posted meanwhile overtakes the queue.
 */

import { parentPort, workerData } from "node:worker_threads";
import { postError } from "@cupel/base";
import type { EngineSession } from "./engine-session.ts";
import { type GuardMemory, guarded } from "./exit-guard.ts";
import type { EngineRun, QueuedTask, SessionReply, SessionRequest } from "./session-protocol.ts";

if (parentPort === null) throw new Error("session-worker.ts is the entry of a worker thread.");
const port = parentPort;
const guard: GuardMemory = workerData;

/** The binding is native code from its first instruction on: a process that ends waits for its loading too. */
const { openEngineSession, prepareEngineThread } = await guarded(guard, () => import("./engine-session.ts"));
prepareEngineThread();

type OpenRequest = Extract<SessionRequest, { kind: "open" }>;

let session: EngineSession | null = null;
let queue: QueuedTask[] = [];
let busy = false;
let closing = false;

port.on("message", (request: SessionRequest) => {
  switch (request.kind) {
    case "open":
      void open(request);
      break;
    case "run":
    case "readState":
    case "readStateInto":
    case "writeState":
      queue.push(request);
      if (!busy) void drain();
      break;
    case "cancel":
      queue = queue.filter((task) => task.id !== request.id);
      break;
    case "close":
      queue = [];
      closing = true;
      if (!busy) void end();
      break;
  }
});

async function open({ model, options, state }: OpenRequest): Promise<void> {
  busy = true;
  try {
    session = await guarded(guard, () => openEngineSession(model, options, state));
    reply({ kind: "opened", inputs: session.inputs, outputs: session.outputs });
    await drain();
  } catch (thrown) {
    reply({ kind: "refused", error: postError(thrown) });
    await end();
  }
}

async function drain(): Promise<void> {
  busy = true;
  for (let task = queue.shift(); task && session; task = queue.shift()) await execute(session, task);
  busy = false;
  if (closing) await end();
}

async function execute(session: EngineSession, task: QueuedTask): Promise<void> {
  const { id } = task;
  try {
    const run = await perform(session, task);
    const buffers = new Set<ArrayBuffer>();
    for (const { data } of Object.values(run.outputs)) {
      if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
    }
    reply({ kind: "done", id, run }, [...buffers]);
  } catch (thrown) {
    reply({ kind: "failed", id, error: postError(thrown) });
  }
}

async function perform(session: EngineSession, task: QueuedTask): Promise<EngineRun> {
  switch (task.kind) {
    case "run":
      return guarded(guard, () => session.run(task.feeds, task.fetches, task.into));
    case "readState":
      return { outputs: session.state.read(task.names), engineMs: 0 };
    case "readStateInto":
      session.state.readInto(task.targets);
      return { outputs: {}, engineMs: 0 };
    case "writeState":
      session.state.write(task.values);
      return { outputs: {}, engineMs: 0 };
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
