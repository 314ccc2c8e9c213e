/**
 * How long work tells that it moves.
 *
 * Work opens a task with the number of units it expects and advances it; what listens decides whether
 * that is a bar on a terminal, a line in a log, or nothing.
 */
export interface ProgressTask extends Disposable {
  /** `count` more units are done. Default 1. */
  advance(count?: number): void;
  /** A short remark beside the bar, such as the layer in hand. */
  note(text: string): void;
}

export interface Progress {
  /** @param total units expected; absent when unknown. @param unit plural noun, default "steps". */
  start(title: string, total?: number, unit?: string): ProgressTask;
}

export const silentProgress: Progress = {
  start: () => ({ advance() {}, note() {}, [Symbol.dispose]() {} }),
};

/** What every long operation accepts. */
export interface WorkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}
