/**
 * Data parallel training on one machine: replicas of a network, each in a session of its own thread, compute
 * the gradients of their shares of a batch; one more session averages them and updates the parameters.
 *
 * Nothing large passes through messages. A replica writes its gradients into shared memory, the update's
 * session reads them there, and the new parameters go back the same way:
 *
 *   replica 0..N-1: run --(shared: reports)--> update: writeState, run, readStateInto --(shared: held)--> replicas: writeState
 */
import { availableParallelism } from "node:os";
import { baseErrors, CupelError, elementCount } from "@cupel/base";
import { type Dims, encodeModel, type Model } from "@cupel/onnx";
import {
  type EngineRun,
  type Feeds,
  openStatefulSession,
  runtimeErrors,
  type StatefulSession,
  type TensorData,
} from "@cupel/runtime";
import {
  compileParallelStep,
  type ParallelStep,
  type ParallelStepOptions,
  reportName,
} from "../step/parallel-step.ts";
import {
  bindingOf,
  createTrainer,
  dimsOf,
  engineOf,
  feedsOf,
  type StepBatch,
  type StepEngine,
  type Trainer,
  type TrainerOptions,
} from "./trainer.ts";

export interface ParallelTrainerOptions extends TrainerOptions, ParallelStepOptions {
  /** Engine threads of each replica; the update has those of all. Default: the cores this process may use, divided. */
  readonly threads?: number | undefined;
}

/**
 * A trainer that divides each batch among replicas. Equal to `openTrainer` with the same options within
 * float32 rounding, but for batch normalisation by the statistics of the batch: each replica takes those of its share.
 *
 * When the thread of a replica ends unexpectedly, the step fails with THREAD_CRASHED and all others are closed.
 * @throws TRAINING_CONFIG_INVALID when the batch cannot be divided; those of `openTrainer`
 */
export async function openParallelTrainer(network: Model, options: ParallelTrainerOptions): Promise<Trainer> {
  const compiled = compileParallelStep(network, options);
  const { replicas, open = openStatefulSession } = options;
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / replicas));
  const zeros = ({ dims }: { dims: Dims }) => new Float32Array(elementCount(dims));
  // Closes what is open already when one does not open.
  await using opened = new AsyncDisposableStack();
  const evaluators: StatefulSession[] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const session = await open(encodeModel(compiled.replica), {
      ...engineOf({ ...options, threads }),
      transferState: true,
      state: compiled.held.map((tensor) => bindingOf(tensor, null)),
    });
    evaluators.push(opened.use(session));
  }
  const reported = compiled.reports.flatMap((report) =>
    evaluators.map((_, replica) => ({ ...report, name: reportName(report.name, replica) })),
  );
  const updater = opened.use(
    await open(encodeModel(compiled.update), {
      ...engineOf({ ...options, threads: threads * replicas }),
      // Threads that spin while they have nothing to do would take the replicas' time.
      configEntries: { "session.intra_op.allow_spinning": "0", ...options.configEntries },
      transferState: true,
      state: [
        ...compiled.state.map((tensor) => bindingOf(tensor, tensor.next)),
        ...reported.map((report) => bindingOf({ ...report, initial: zeros(report) }, null)),
      ],
    }),
  );
  return createTrainer(compiled, new ParallelEngine(compiled, evaluators, updater, opened.move()));
}

type SharedTensors = Readonly<Record<string, TensorData & { readonly data: Float32Array }>>;

class ParallelEngine implements StepEngine {
  readonly #batch: number;
  readonly #evaluators: readonly StatefulSession[];
  readonly #updater: StatefulSession;
  readonly #sessions: AsyncDisposable;
  /** Of each replica. */
  readonly #reports: readonly SharedTensors[];
  readonly #held: SharedTensors;
  readonly #state: readonly string[];
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    { batch, reports, held, state }: ParallelStep,
    evaluators: readonly StatefulSession[],
    updater: StatefulSession,
    sessions: AsyncDisposable,
  ) {
    this.#batch = batch;
    this.#evaluators = evaluators;
    this.#updater = updater;
    this.#sessions = sessions;
    this.#reports = evaluators.map(() => sharedTensors(reports));
    this.#held = sharedTensors(held);
    this.#state = state.map(({ name }) => name);
  }

  async run(batch: StepBatch, learningRate: number, step: number): Promise<EngineRun> {
    // Taken as they are now, even when a step is still under way.
    const shares = this.#evaluators.map((session, replica) =>
      feedsOf(this.#shareOf(batch, replica), learningRate, step, dimsOf(session)),
    );
    return this.#inTurn(async () => {
      const runs = await allSettled(
        this.#evaluators.map((session, replica) =>
          session.timedRun(shares[replica]!, { into: arraysOf(this.#reports[replica]!), transfer: true }),
        ),
      );
      await this.#updater.writeState(
        Object.fromEntries(
          this.#reports.flatMap((reports, replica) =>
            Object.entries(reports).map(([name, tensor]) => [reportName(name, replica), tensor]),
          ),
        ),
      );
      const feeds = feedsOf({ inputs: {} }, learningRate, step, dimsOf(this.#updater));
      const { outputs, engineMs } = await this.#updater.timedRun(feeds);
      await this.#share();
      return { outputs, engineMs: Math.max(...runs.map((run) => run.engineMs)) + engineMs };
    });
  }

  readState(): Promise<Feeds> {
    return this.#inTurn(() => this.#updater.readState(this.#state));
  }

  writeState(values: Feeds): Promise<void> {
    return this.#inTurn(async () => {
      await this.#updater.writeState(values);
      await this.#share();
    });
  }

  async close(): Promise<void> {
    await this.#sessions[Symbol.asyncDispose]();
  }

  /** Brings the replicas up to date. */
  async #share(): Promise<void> {
    await this.#updater.readStateInto(arraysOf(this.#held));
    await allSettled(this.#evaluators.map((session) => session.writeState(this.#held)));
  }

  #shareOf(batch: StepBatch, replica: number): StepBatch {
    const replicas = this.#evaluators.length;
    const cut = <T extends TensorData["data"]>(data: T): T => {
      const length = data.length / replicas;
      return data.slice(replica * length, (replica + 1) * length) as T;
    };
    const inputs = Object.entries(batch.inputs).map(([name, { type, dims, data }]) => {
      const [size, ...rest] = dims;
      if (size !== this.#batch) {
        throw runtimeErrors.error(
          "INPUT_SHAPE_MISMATCH",
          `The input "${name}" takes batches of ${this.#batch}, but [${dims}] was given.`,
          { details: { name, expected: this.#batch, given: dims } },
        );
      }
      return [name, { type, dims: [size / replicas, ...rest], data: cut(data) }];
    });
    const { labels, target, teacher } = batch;
    return {
      inputs: Object.fromEntries(inputs),
      labels: labels && cut(labels),
      target: target && cut(target),
      teacher: teacher && cut(teacher),
    };
  }

  /** When all that was asked for before is done: steps share memory. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#together(work));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** One for all: when one thread is lost, no other can continue. */
  async #together<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (!isCrash(thrown)) throw thrown;
      await this.close();
      throw baseErrors.error(
        "THREAD_CRASHED",
        "A thread of the parallel training ended unexpectedly, and the others were closed. " +
          "Go on from the last checkpoint; with fewer replicas less memory is needed.",
        { cause: thrown },
      );
    }
  }
}

/** Waits for all, so that none still uses shared memory; then rejects with the gravest failure. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  if (failures.length > 0) throw failures.find(isCrash) ?? failures[0];
  return Promise.all(promises);
}

function isCrash(thrown: unknown): boolean {
  return thrown instanceof CupelError && thrown.code === "THREAD_CRASHED";
}

function sharedTensors(tensors: readonly { readonly name: string; readonly dims: Dims }[]): SharedTensors {
  return Object.fromEntries(
    tensors.map(({ name, dims }) => {
      const memory = new SharedArrayBuffer(elementCount(dims) * Float32Array.BYTES_PER_ELEMENT);
      return [name, { type: "float32", dims, data: new Float32Array(memory) }];
    }),
  );
}

function arraysOf(tensors: SharedTensors): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
}
