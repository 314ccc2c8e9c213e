/**
 * Ctrl-C: the first asks all work to stop, so that what is half-written is taken away again; the second
 * no longer asks.
 */
const signals = ["SIGINT", "SIGTERM"] as const;

/** npm passes on a Ctrl-C that the terminal has already sent to the whole group: two signals, one key. */
const sameKeyMs = 500;

export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
}

/** As much of a process as is needed. */
export interface SignalSource {
  on(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
  off(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
}

/** @param onFirst called when the work has been asked to stop. */
export function listenForInterrupts(source: SignalSource, onFirst: () => void): Interrupts {
  const controller = new AbortController();
  const stop = () => {
    for (const name of signals) source.off(name, listen);
  };
  const listen = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) return;
    onFirst();
    controller.abort(new Error(`Interrupted by ${name}.`));
    // Without a listener the next signal ends the process by itself, even while this thread is computing.
    setTimeout(stop, sameKeyMs).unref();
  };
  for (const name of signals) source.on(name, listen);
  return { signal: controller.signal, [Symbol.dispose]: stop };
}
