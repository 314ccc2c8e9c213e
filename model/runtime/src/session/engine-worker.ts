/**
 * Entry of the thread that hosts one engine session. Native calls are guarded (`exit-guard.ts`), and a run
 * waits for its engine threads (`engine-budget.ts`); a cancelled one waits no longer.
 */
import { workerData } from "node:worker_threads";
import { type Served, serveThread } from "@cupel/base";
import { EngineBudget } from "./engine-budget.ts";
import type { EngineAnswer, EngineRun, EngineTask, EngineThreadData } from "./engine-protocol.ts";
import type { EngineSession } from "./engine-session.ts";
import { guarded } from "./exit-guard.ts";

const { guard, budget: memory, place }: EngineThreadData = workerData;
const budget = new EngineBudget(memory, guard);

/** The binding is native code from its first instruction on: a process that ends waits for its loading too. */
const { openEngineSession, prepareEngineThread } = await guarded(guard, () => import("./engine-session.ts"));
prepareEngineThread();

let opened: EngineSession | null = null;

serveThread<EngineTask, EngineAnswer>({
  async perform(task, signal) {
    switch (task.kind) {
      case "open": {
        opened = await guarded(guard, () => openEngineSession(task.model, task.options, task.state));
        return { result: { kind: "opened", inputs: opened.inputs, outputs: opened.outputs } };
      }
      case "run":
        return done(await run(task, signal));
      case "readState":
        return done({ outputs: session().state.read(task.names), engineMs: 0 });
      case "readStateInto":
        session().state.readInto(task.targets);
        return done(nothing);
      case "writeState":
        session().state.write(task.values);
        return done(nothing);
    }
  },
  end: () => guarded(guard, async () => opened?.[Symbol.asyncDispose]()),
});

const nothing: EngineRun = { outputs: {}, engineMs: 0 };

async function run(task: Extract<EngineTask, { kind: "run" }>, signal: AbortSignal): Promise<EngineRun> {
  await budget.acquire(place, signal);
  try {
    return await guarded(guard, () => session().run(task.feeds, task.fetches, task));
  } finally {
    budget.release(place);
  }
}

function session(): EngineSession {
  if (opened === null) throw new Error("A session is opened before it is asked for anything.");
  return opened;
}

/** The outputs move to the owner, each buffer once. */
function done(run: EngineRun): Served<EngineAnswer> {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(run.outputs)) {
    if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return { result: { kind: "done", run }, transfer: [...buffers] };
}
