/**
 * Ctrl-C: the first asks all work to stop, so that what is half-written is taken away again; the second
 * no longer asks. SIGTERM comes from a program, such as `timeout` or a service manager, which sends one: it asks too, and
 * after a while ends the process, whatever the work waits for.
 */
const signals = ["SIGINT", "SIGTERM"] as const;

/** npm passes on a Ctrl-C that the terminal has already sent to the whole group: two signals, one key. */
const sameKeyMs = 500;

/** Longer than a step of a training takes, after which its last checkpoint is written. */
const termGraceMs = 60_000;

export interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
}

/** As much of a process as is needed. */
export interface SignalSource {
  on(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
  off(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
  kill(pid: number, name: NodeJS.Signals): unknown;
  readonly pid: number;
}

/** @param onFirst called when the work has been asked to stop. */
export function listenForInterrupts(source: SignalSource, onFirst: () => void): Interrupts {
  const controller = new AbortController();
  let end: NodeJS.Timeout | undefined;
  const stop = () => {
    for (const name of signals) source.off(name, listen);
  };
  const listen = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) return;
    onFirst();
    controller.abort(new Error(`Interrupted by ${name}.`));
    // Without a listener the next signal ends the process by itself, even while this thread is computing.
    setTimeout(stop, sameKeyMs).unref();
    if (name === "SIGTERM") end = setTimeout(() => source.kill(source.pid, name), termGraceMs).unref();
  };
  for (const name of signals) source.on(name, listen);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      stop();
      clearTimeout(end);
    },
  };
}
