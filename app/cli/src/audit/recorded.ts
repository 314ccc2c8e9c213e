/**
 * The work of a command in the record: its start before anything is done, and one of three ends.
 *
 *     START -> FINISH | FAIL | CANCEL
 *
 * What cannot be recorded as the operator chose does not begin. An end that cannot be recorded leaves what was done, and the
 * command ends with the error of the record.
 */
import type { ActionCode } from "@cupel/audit";
import { type CupelError, type EventFacts, type EventSeverity, type EventSink, errorFrom } from "@cupel/base";
import type { Given } from "../arguments/parse.ts";
import type { CommandContext, Outcome, StreamedResult } from "../commands/command.ts";
import { cupelVersion } from "../version.ts";
import { operator } from "./operator.ts";
import { recordPlace } from "./record-options.ts";

const actions = {
  compress: {
    start: "COMPRESS.START",
    finish: "COMPRESS.FINISH",
    fail: "COMPRESS.FAIL",
    cancel: "COMPRESS.CANCEL",
  },
  eval: { start: "EVAL.START", finish: "EVAL.FINISH", fail: "EVAL.FAIL", cancel: "EVAL.CANCEL" },
  predict: {
    start: "PREDICT.START",
    finish: "PREDICT.FINISH",
    fail: "PREDICT.FAIL",
    cancel: "PREDICT.CANCEL",
  },
  train: { start: "TRAIN.START", finish: "TRAIN.FINISH", fail: "TRAIN.FAIL", cancel: "TRAIN.CANCEL" },
} as const satisfies Readonly<Record<string, Readonly<Record<Step, ActionCode>>>>;

type Step = "start" | "finish" | "fail" | "cancel";

const severities = {
  start: "INFO",
  finish: "INFO",
  fail: "ERROR",
  cancel: "WARN",
} as const satisfies Readonly<Record<Step, EventSeverity>>;

export interface WorkFacts {
  readonly object: EventFacts;
  readonly context?: EventFacts;
}

/** What is told of it is asked for only where there is a record. */
export interface RecordedWork {
  readonly name: keyof typeof actions;
  /** Stands in each of its events. */
  about(): Promise<WorkFacts>;
  run(): Promise<FinishedWork>;
}

export interface FinishedWork {
  readonly outcome: Outcome;
  /** Of a streamed outcome asked when it has ended. */
  about(): Promise<WorkFacts>;
}

/** Without --audit it is the work alone. @throws OPTION_INVALID, RECORD_UNAVAILABLE, what `openRecord` and the work throw */
export async function recorded(work: RecordedWork, given: Given, context: CommandContext): Promise<Outcome> {
  const place = recordPlace(given);
  if (place === null) return (await work.run()).outcome;
  const { openRecord } = await import("./open-record.ts");
  await using opening = new AsyncDisposableStack();
  const { sink } = opening.use(await openRecord(place, context.say));
  const record = new WorkRecord(work.name, await work.about(), sink, context);
  await record.start();
  let finished: FinishedWork;
  try {
    finished = await work.run();
  } catch (thrown) {
    await record.broke(thrown);
    throw thrown;
  }
  const { outcome } = finished;
  if ("items" in outcome) return { ...outcome, items: streamed(outcome, finished, record, opening.move()) };
  const failure = await record.finish(finished);
  return failure === null ? outcome : { ...outcome, failure };
}

/** The end of the list is the end of the work. */
async function* streamed(
  { items }: StreamedResult,
  finished: FinishedWork,
  record: WorkRecord,
  owned: AsyncDisposable,
): StreamedResult["items"] {
  await using _ = owned;
  let hasEnded = false;
  try {
    yield* items;
    hasEnded = true;
  } catch (thrown) {
    hasEnded = true;
    await record.broke(thrown);
    throw thrown;
  } finally {
    if (!hasEnded) await record.leave();
  }
  const failure = await record.finish(finished);
  if (failure !== null) throw failure;
}

class WorkRecord {
  readonly #name: RecordedWork["name"];
  readonly #about: WorkFacts;
  readonly #sink: EventSink;
  readonly #context: CommandContext;
  readonly #subject = operator();
  readonly #began: number;

  constructor(name: RecordedWork["name"], about: WorkFacts, sink: EventSink, context: CommandContext) {
    this.#name = name;
    this.#about = about;
    this.#sink = sink;
    this.#context = context;
    this.#began = context.clock.monotonic();
  }

  async start(): Promise<void> {
    await this.#tell("start", { object: {} });
  }

  /** @returns why it is not recorded */
  async finish({ about }: FinishedWork): Promise<CupelError | null> {
    try {
      const { object, context } = await about();
      await this.#tell("finish", { object, context: { ...context, ...this.#ended("OK") } });
      return null;
    } catch (thrown) {
      this.#context.remark("What was asked for is done and whole; that it was done is not in the record.");
      return errorFrom(thrown);
    }
  }

  async broke(thrown: unknown): Promise<void> {
    const { code } = errorFrom(thrown, this.#context.signal);
    await this.#tellEnd(code === "CANCELLED" ? "cancel" : "fail", code);
  }

  /** Nobody reads on. */
  async leave(): Promise<void> {
    await this.#tellEnd("cancel", "OK");
  }

  /** What broke the work is what the command ends with. */
  async #tellEnd(step: Step, code: string): Promise<void> {
    try {
      await this.#tell(step, { object: {}, context: this.#ended(code) });
    } catch (thrown) {
      this.#context.remark(`That it ended is not in the record: ${errorFrom(thrown).message}`);
    }
  }

  async #tell(step: Step, { object, context }: WorkFacts): Promise<void> {
    await this.#sink.emit({
      action: actions[this.#name][step],
      severity: severities[step],
      subject: this.#subject,
      object: { ...this.#about.object, ...object },
      context: { version: cupelVersion(), ...this.#about.context, ...context },
    });
  }

  #ended(code: string): EventFacts {
    return { code, ms: String(Math.round(this.#context.clock.monotonic() - this.#began)) };
  }
}
