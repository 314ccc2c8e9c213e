/**
 * Progress on a terminal: one bar a task under way, redrawn in place; or in a log: a line now and then,
 * since a line an image would bury what matters. Both keep a line for each finished task that took long
 * enough to be missed. Results never pass here: they go to the other stream.
 */
import type { Clock, Progress, ProgressTask } from "@cupel/base";
import { barLine, finishedLine, progressLine, type TaskState } from "./render-progress.ts";
import { styled, type Terminal } from "./terminal.ts";

export interface ProgressDisplay extends Progress, Disposable {
  /** A line that stays, above whatever moves. */
  print(line: string): void;
}

/** A task shorter than this leaves no line behind. */
const worthALineMs = 1000;
const redrawEveryMs = 100;
/** In a log: silence before the first sign of life, then between signs. */
const firstSignMs = 3000;
const signEveryMs = 10_000;

type Task = { -readonly [Key in keyof TaskState]: TaskState[Key] };

/** How one kind of terminal shows what is under way. */
interface Painter {
  readonly everyMs: number;
  /** @param finished the task that has just ended, when one has. */
  update(tasks: readonly Task[], finished: Task | null): void;
  print(line: string): void;
}

export function createProgressDisplay(terminal: Terminal, clock: Clock): ProgressDisplay {
  const painter = terminal.isInteractive ? barPainter(terminal, clock) : linePainter(terminal, clock);
  const tasks: Task[] = [];
  let timer: NodeJS.Timeout | null = null;
  const update = (finished: Task | null = null) => {
    painter.update(tasks, finished);
    if (tasks.length > 0) timer ??= setInterval(() => painter.update(tasks, null), painter.everyMs).unref();
    else stop();
  };
  const stop = () => {
    if (timer) clearInterval(timer);
    timer = null;
  };
  return {
    start(title, total, unit = "steps"): ProgressTask {
      const task: Task = {
        title,
        unit,
        total: total ?? null,
        startedAt: clock.monotonic(),
        isNested: tasks.length > 0,
        done: 0,
        note: "",
      };
      tasks.push(task);
      update();
      return {
        advance(count = 1) {
          task.done += count;
          update();
        },
        note(text) {
          task.note = text;
        },
        [Symbol.dispose]() {
          const at = tasks.indexOf(task);
          if (at < 0) return;
          tasks.splice(at, 1);
          update(task);
        },
      };
    },
    print: (line) => painter.print(line),
    [Symbol.dispose]() {
      tasks.length = 0;
      stop();
      painter.update([], null);
    },
  };
}

function isWorthALine(task: Task, now: number): boolean {
  return !task.isNested && now - task.startedAt >= worthALineMs;
}

function barPainter(terminal: Terminal, clock: Clock): Painter {
  let drawn = 0;
  let shown: readonly Task[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;
  /** Back to the first line of the bars, and nothing after it. */
  const erase = () => (drawn === 0 ? "" : `\u001b[${drawn}A\r\u001b[J`);
  const draw = (above: string) => {
    const now = clock.monotonic();
    const lines = shown.map((task) => `${barLine(task, now, terminal.columns())}\n`);
    const text = `${erase()}${above}${lines.join("")}`;
    drawn = lines.length;
    drawnAt = now;
    if (text !== "") terminal.err(text);
  };
  return {
    everyMs: redrawEveryMs,
    update(tasks, finished) {
      const now = clock.monotonic();
      const isChange = finished !== null || tasks.length !== shown.length;
      shown = [...tasks];
      if (!isChange && now - drawnAt < redrawEveryMs) return;
      const keeps = finished !== null && isWorthALine(finished, now);
      draw(keeps ? `${styled(terminal, "green", "✓")} ${finishedLine(finished, now)}\n` : "");
    },
    print: (line) => draw(`${line}\n`),
  };
}

function linePainter(terminal: Terminal, clock: Clock): Painter {
  let spokeAt: number | null = null;
  let wait = firstSignMs;
  const speak = (line: string, now: number) => {
    terminal.err(`${line}\n`);
    spokeAt = now;
  };
  return {
    everyMs: 1000,
    update(tasks, finished) {
      const now = clock.monotonic();
      spokeAt ??= now;
      if (finished !== null && isWorthALine(finished, now)) {
        speak(finishedLine(finished, now), now);
        wait = firstSignMs;
        return;
      }
      const innermost = tasks.at(-1);
      if (innermost === undefined || now - spokeAt < wait) return;
      speak(progressLine(innermost, now), now);
      wait = signEveryMs;
    },
    print: (line) => speak(line, clock.monotonic()),
  };
}
