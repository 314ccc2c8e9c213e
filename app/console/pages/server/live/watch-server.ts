/**
 * Looks at the server again and again while somebody looks at the page, and tells what it found. One look at a time; what
 * was refused is not asked again with the same key.
 */
import { member } from "../view/answer.ts";
import { type History, noHistory, remember } from "../view/history.ts";
import { type IndexEntry, readIndex } from "../view/model-rows.ts";
import { pollDelay } from "../view/poll-delay.ts";
import { isAbsent, isRefusal, type Problem } from "../view/problem.ts";
import { readSnapshot } from "../view/snapshot.ts";
import { type Asked, asJson, ask, asText } from "./ask.ts";

export interface ServerState {
  /** Whether the last look was answered; null before the first. */
  readonly answers: boolean | null;
  /** Null where nobody knows. */
  readonly isReady: boolean | null;
  readonly about: { readonly name: string; readonly version: string; readonly isAttested: boolean } | null;
  readonly index: readonly IndexEntry[] | null;
  readonly history: History;
  /** Why a part is not shown. */
  readonly indexProblem: Problem | null;
  readonly metricsProblem: Problem | null;
}

export const unknownServer: ServerState = {
  answers: null,
  isReady: null,
  about: null,
  index: null,
  history: noHistory,
  indexProblem: null,
  metricsProblem: null,
};

export interface Watch {
  /** Looks at once, with the key that is there now. */
  again(): void;
  stop(): void;
}

export function watchServer(tell: (state: ServerState) => void): Watch {
  let state = unknownServer;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking: AbortController | null = null;
  let failures = 0;

  const look = async (): Promise<void> => {
    clearTimeout(timer);
    if (looking !== null || document.hidden) return;
    const own = new AbortController();
    looking = own;
    const started = performance.now();
    const found = await lookAt(state, own.signal);
    if (own.signal.aborted) return;
    looking = null;
    state = found.state;
    failures = found.hasFailed ? failures + 1 : 0;
    tell(state);
    const tookMs = performance.now() - started;
    timer = setTimeout(look, pollDelay({ failures, tookMs, retryAfterMs: found.retryAfterMs }));
  };
  const seen = () => void look();
  document.addEventListener("visibilitychange", seen);
  void look();
  return {
    again() {
      looking?.abort();
      looking = null;
      failures = 0;
      state = { ...unknownServer, answers: state.answers };
      void look();
    },
    stop() {
      document.removeEventListener("visibilitychange", seen);
      clearTimeout(timer);
      looking?.abort();
    },
  };
}

interface Found {
  readonly state: ServerState;
  readonly hasFailed: boolean;
  readonly retryAfterMs: number;
}

async function lookAt(last: ServerState, signal: AbortSignal): Promise<Found> {
  const isInVain = (problem: Problem | null) => problem !== null && (isRefusal(problem) || isAbsent(problem));
  const [ready, about, index, metrics] = await Promise.all([
    ask("/v2/health/ready", { signal }, asText),
    last.about ?? ask("/v2", { signal }, asJson),
    isInVain(last.indexProblem) ? null : ask("/v2/repository/index", { method: "POST", signal }, asJson),
    isInVain(last.metricsProblem) ? null : ask("/metrics", { signal }, asText),
  ]);
  const answers = !("problem" in ready) || ready.problem.status !== 0;
  const problems = [index, metrics].flatMap((each) =>
    each !== null && "problem" in each ? [each.problem] : [],
  );
  const waits = problems.filter((problem) => !isInVain(problem));
  const state: ServerState = {
    answers,
    isReady: answers ? !("problem" in ready) : null,
    about: "isAttested" in about ? about : aboutOf(about),
    // What was last known is shown while nobody answers.
    index: index !== null && "value" in index ? readIndex(index.value) : last.index,
    history:
      metrics !== null && "value" in metrics
        ? remember(last.history, readSnapshot(metrics.value, performance.now()))
        : last.history,
    indexProblem: problemOf(index, last.indexProblem),
    metricsProblem: problemOf(metrics, last.metricsProblem),
  };
  return {
    state,
    hasFailed: !answers || waits.length > 0,
    retryAfterMs: Math.max(0, ...waits.map(({ retryAfterMs }) => retryAfterMs)),
  };
}

function aboutOf(asked: Asked<unknown>): ServerState["about"] {
  if ("problem" in asked) return null;
  const { value } = asked;
  const extensions = member(value, "extensions");
  const isAttested = Array.isArray(extensions) && extensions.includes("attestation");
  return { name: String(member(value, "name")), version: String(member(value, "version")), isAttested };
}

function problemOf(asked: Asked<unknown> | null, last: Problem | null): Problem | null {
  if (asked === null) return last;
  return "problem" in asked ? asked.problem : null;
}
