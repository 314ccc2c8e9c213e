/**
 * What was opened and dropped without `close` is closed when the collector finds it, and said once of each kind: threads and
 * native memory do not go with the object that stands for them.
 *
 * The collector knows nothing of that memory and may not come for long. So it is called when more than `LEAST` are open and
 * twice as many as were left after the last call: what is really in use is looked through now and then only. This is a net,
 * not a way to close.
 */
import { collectGarbage } from "./collect-garbage.ts";

const LEAST = 8;
/** Milliseconds in which the collector tells what it found. */
const SETTLING = 100;

interface Held {
  readonly what: string;
  readonly close: () => Promise<void>;
}

const told = new Set<string>();
let open = 0;
let patience = LEAST;

const registry = new FinalizationRegistry<Held>(({ what, close }) => {
  open--;
  if (!told.has(what)) {
    told.add(what);
    process.emitWarning(
      `A ${what} was dropped without close(). It is closed now, later than it need have been; use "await using" or call close(). This is said once.`,
      { type: "CupelWarning", code: "CUPEL_NOT_CLOSED" },
    );
  }
  // Nobody is left to be told: whatever waited for it has been settled by its thread.
  void close().catch(() => {});
});

/**
 * @param owner lives as long as anything that can still use what is open. Where functions are handed out it MUST be held by
 * each of them, for they may be kept without the object they came with.
 * @param what a noun for the warning, such as "session"
 * @param close MUST NOT hold the owner; a function written in the scope of the owner does
 * @returns to be called on an ordinary close
 */
export function closeWhenForgotten(owner: object, what: string, close: () => Promise<void>): () => void {
  const token = {};
  registry.register(owner, { what, close }, token);
  open++;
  if (open > patience) lookThrough();
  return () => {
    if (registry.unregister(token)) open--;
  };
}

function lookThrough(): void {
  patience = open + LEAST;
  collectGarbage();
  setTimeout(() => {
    patience = Math.max(LEAST, 2 * open);
  }, SETTLING).unref();
}
