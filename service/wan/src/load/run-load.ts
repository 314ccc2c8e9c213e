/**
 * Requests and what came of them.
 *
 * Open loop: each is sent when it is due, whatever became of those before, and its latency counts from when it was due. A
 * generator that waits for answers sends less to a slow server and does not see most of what it makes people wait
 * ("coordinated omission", Tene). Closed loop: so many are in flight, each sent when one before was answered, and counted
 * from then: what other tools measure, to be compared with them.
 *
 * A request that failed has the latency of its failure: none that took long is left out.
 */
import type { Caller } from "./caller.ts";
import { type LatencyFigures, LatencyRecord } from "./latency-record.ts";
import { type Outcome, outcomeOf, outcomes } from "./outcome.ts";
import { pace, sharedNowMs } from "./pacer.ts";
import { makeSchedule, type ScheduleSpec } from "./schedule.ts";
import { type Thirds, UnderWay } from "./under-way.ts";

export type LoadSpec =
  | ({ readonly loop: "open" } & ScheduleSpec)
  | { readonly loop: "closed"; readonly inFlight: number; readonly durationMs: number };

/** Of requests that were due after the warm-up. */
export interface LoadFigures {
  readonly requests: number;
  /** With those of the warm-up. */
  readonly sent: number;
  /** That they were due in, of an open loop; until the last answer, of a closed one. */
  readonly seconds: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Null where nothing was asked. */
  readonly latency: LatencyFigures | null;
  readonly firstByte: LatencyFigures | null;
  /** How late requests were sent; of an open loop. */
  readonly lag: LatencyFigures | null;
  /** Of each deadline, ms, the share of requests that have no good answer by then. */
  readonly missed: readonly (readonly [number, number])[];
  /** Requests under way when another was sent, the means of each third of the time. Steady: the load is carried. */
  readonly underWay: Thirds;
  /** Sends besides the first of these requests. */
  readonly extraSends: number;
  /** A failure of each kind, in its own words. */
  readonly failures: Readonly<Partial<Record<Outcome, string>>>;
}

/** Deadlines that a curve of errors is drawn over, ms. */
export const deadlines = [
  160, 180, 200, 250, 300, 350, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 5000,
] as const;

export interface LoadScene {
  readonly signal: AbortSignal;
  /** Ms of the run that are not counted. */
  readonly warmUpMs: number;
  /** Called when what counts begins. */
  onMeasure?(): void;
}

export async function runLoad(spec: LoadSpec, caller: Caller, scene: LoadScene): Promise<LoadFigures> {
  const book = new Book(spec, caller, scene);
  if (spec.loop === "open") await openLoop(spec, book, scene);
  else await closedLoop(spec, book, scene);
  await book.settled();
  return book.figures();
}

async function openLoop(spec: ScheduleSpec, book: Book, { signal, warmUpMs }: LoadScene): Promise<void> {
  const times = makeSchedule(spec);
  // The thread that wakes is to sleep when the first is due.
  const originMs = sharedNowMs() + 200;
  await pace(
    times,
    originMs,
    (index, lagMs) => {
      const at = times[index]!;
      if (at >= warmUpMs) book.measure();
      void book.call(originMs + at, lagMs);
    },
    signal,
  );
}

async function closedLoop(
  { inFlight, durationMs }: Extract<LoadSpec, { loop: "closed" }>,
  book: Book,
  { signal, warmUpMs }: LoadScene,
): Promise<void> {
  const originMs = sharedNowMs();
  const again = async () => {
    for (;;) {
      const now = sharedNowMs();
      if (now - originMs >= durationMs || signal.aborted) return;
      if (now - originMs >= warmUpMs) book.measure();
      await book.call(now, null);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, again));
}

class Book {
  readonly #spec: LoadSpec;
  readonly #caller: Caller;
  readonly #scene: LoadScene;
  /** Of what counts. */
  readonly #durationMs: number;
  readonly #underWay: UnderWay;
  readonly #latency = new LatencyRecord();
  readonly #firstByte = new LatencyRecord();
  readonly #lag = new LatencyRecord();
  readonly #outcomes = new Map<Outcome, number>(outcomes.map((each) => [each, 0]));
  readonly #failures = new Map<Outcome, string>();
  readonly #inTime = deadlines.map(() => 0);
  readonly #open = new Set<Promise<void>>();
  #measuredSince: number | null = null;
  #extraSends = 0;
  #requests = 0;
  #sent = 0;

  constructor(spec: LoadSpec, caller: Caller, scene: LoadScene) {
    this.#spec = spec;
    this.#caller = caller;
    this.#scene = scene;
    this.#durationMs = spec.durationMs - scene.warmUpMs;
    this.#underWay = new UnderWay(this.#durationMs);
  }

  /** What is asked from now on counts. */
  measure(): void {
    if (this.#measuredSince !== null) return;
    this.#measuredSince = sharedNowMs();
    this.#scene.onMeasure?.();
  }

  /** @param since when it was due. @param lagMs null: it is sent when it is due. */
  call(since: number, lagMs: number | null): Promise<void> {
    const counts = this.#measuredSince !== null;
    this.#sent++;
    if (this.#measuredSince !== null) {
      this.#requests++;
      this.#underWay.add(since - this.#measuredSince, this.#open.size);
      if (lagMs !== null) this.#lag.add(lagMs);
    }
    const called = this.#call(since, counts).finally(() => this.#open.delete(called));
    this.#open.add(called);
    return called;
  }

  async #call(since: number, counts: boolean): Promise<void> {
    let outcome: Outcome = "ok";
    try {
      await this.#caller.call(
        () => {
          if (counts) this.#firstByte.add(sharedNowMs() - since);
        },
        () => {
          if (counts) this.#extraSends++;
        },
      );
    } catch (thrown) {
      outcome = outcomeOf(thrown);
      if (!this.#failures.has(outcome)) this.#failures.set(outcome, String(thrown));
    }
    if (!counts) return;
    const ms = sharedNowMs() - since;
    this.#latency.add(ms);
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (outcome !== "ok") return;
    for (const [i, deadline] of deadlines.entries())
      if (ms <= deadline) this.#inTime[i] = (this.#inTime[i] ?? 0) + 1;
  }

  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  #measuredForMs(): number {
    return this.#measuredSince === null ? 0 : sharedNowMs() - this.#measuredSince;
  }

  figures(): LoadFigures {
    const requests = this.#requests;
    const of = (outcome: Outcome) => this.#outcomes.get(outcome) ?? 0;
    return {
      requests,
      sent: this.#sent,
      seconds: (this.#spec.loop === "open" ? this.#durationMs : this.#measuredForMs()) / 1000,
      outcomes: {
        ok: of("ok"),
        deadline: of("deadline"),
        reset: of("reset"),
        status: of("status"),
        breaker: of("breaker"),
        other: of("other"),
      },
      latency: this.#latency.figures(),
      firstByte: this.#firstByte.figures(),
      lag: this.#lag.figures(),
      missed: deadlines.map((deadline, i) => [
        deadline,
        requests === 0 ? 0 : 1 - (this.#inTime[i] ?? 0) / requests,
      ]),
      underWay: this.#underWay.thirds(),
      extraSends: this.#extraSends,
      failures: Object.fromEntries(this.#failures),
    };
  }
}
