/**
 * Ctrl-C: the first asks all work to stop, so that what is half-written is taken away again; the second
 * no longer asks.
 */
const signals = ["SIGINT", "SIGTERM"] as const;

export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
}

/** @param onFirst told when the work has been asked to stop. */
export function listenForInterrupts(process: NodeJS.Process, onFirst: () => void): Interrupts {
  const controller = new AbortController();
  const listen = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      onFirst();
      controller.abort(new Error(`Interrupted by ${name}.`));
      return;
    }
    // By the signal itself, not by process.exit: that would wait for the engine to finish its run.
    stop();
    process.kill(process.pid, name);
  };
  const stop = () => {
    for (const name of signals) process.off(name, listen);
  };
  for (const name of signals) process.on(name, listen);
  return { signal: controller.signal, [Symbol.dispose]: stop };
}
