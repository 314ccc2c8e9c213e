/**
 * Where alerts go. Sinks know nothing of each other: each has a line of its own, in which alerts wait for those before, so that a webhook
 * that does not answer holds up neither the record nor the watch. A line has an end: above it alerts are counted and dropped.
 */
import { type EventSink, reasonOf, type WorkEvent } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import { type Alert, alertLine, eventOfAlert } from "./alert.ts";

/** Resolves when the alert is where it goes. */
export type AlertSink = (alert: Alert) => Promise<void>;

/** The event sink of the house, and so the audit record. */
export function eventSinkAlerts(sink: EventSink, subject: WorkEvent["subject"]): AlertSink {
  return async (alert) => {
    await sink.emit(eventOfAlert(alert, subject));
  };
}

/** @param write takes a line with its end */
export function lineAlerts(write: (line: string) => void): AlertSink {
  return async (alert) => write(`${new Date(alert.at).toISOString()} ${alertLine(alert)}\n`);
}

export interface WebhookOptions {
  /** Default 3. */
  readonly attempts?: number;
  /** Milliseconds that one attempt may take. Default 5,000. */
  readonly timeoutMs?: number;
  /** Milliseconds before the second attempt; twice as long before each further one. Default 500. */
  readonly pauseMs?: number;
  /** Ends an attempt or a pause under way. */
  readonly signal?: AbortSignal | undefined;
  /** Default: waits. */
  readonly wait?: ((ms: number) => Promise<void>) | undefined;
}

/**
 * A POST of the alert as JSON. What cannot be delivered is tried again: no answer, 408, 429, 5xx. Redirections are not followed.
 * @param url http or https. The sink throws ENV_WEBHOOK_FAILED, whose message has the host alone: a path may be a secret.
 */
export function webhookAlerts(url: URL, options: WebhookOptions = {}): AlertSink {
  const { attempts = 3, timeoutMs = 5_000, pauseMs = 500, signal, wait = pause(signal) } = options;
  return async (alert) => {
    let reason = "";
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (attempt > 1) await wait(pauseMs * 2 ** (attempt - 2));
      const clock = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(alert),
          redirect: "manual",
          signal: signal === undefined ? clock : AbortSignal.any([clock, signal]),
        });
        await response.body?.cancel();
        if (response.ok) return;
        reason = `it answered ${response.status}`;
        if (response.status < 500 && response.status !== 408 && response.status !== 429) break;
      } catch (thrown) {
        if (signal?.aborted) break;
        reason = clock.aborted ? `it did not answer within ${timeoutMs} ms` : causeOf(thrown);
      }
    }
    throw envTraceErrors.error(
      "ENV_WEBHOOK_FAILED",
      `The webhook at ${url.host} did not take an alert: ${reason || "the work was ended"}.`,
      {
        details: { host: url.host },
      },
    );
  };
}

/** `fetch` says "fetch failed", and in its cause why. */
function causeOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.cause !== undefined ? reasonOf(thrown.cause) : reasonOf(thrown);
}

function pause(signal: AbortSignal | undefined): (ms: number) => Promise<void> {
  return (ms) =>
    new Promise((done) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        done();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener("abort", finish, { once: true });
    });
}

/** Alerts that wait for one sink. */
const longestLine = 100;

export interface AlertLines {
  send(alert: Alert): void;
  /** Resolves when every alert is where it goes, or has failed. */
  drained(): Promise<void>;
  /** Alerts that were dropped because a sink was too slow. */
  readonly dropped: number;
}

/** @param onFailure of one alert and one sink; the others go on */
export function openAlertLines(
  sinks: readonly AlertSink[],
  onFailure: (thrown: unknown) => void,
): AlertLines {
  const lines = sinks.map((sink) => ({ sink, last: Promise.resolve(), waiting: 0 }));
  let dropped = 0;
  return {
    send(alert) {
      for (const line of lines) {
        if (line.waiting >= longestLine) {
          dropped++;
          continue;
        }
        line.waiting++;
        line.last = line.last
          .then(() => line.sink(alert))
          .catch(onFailure)
          .finally(() => {
            line.waiting--;
          });
      }
    },
    async drained() {
      await Promise.all(lines.map(({ last }) => last));
    },
    get dropped() {
      return dropped;
    },
  };
}
