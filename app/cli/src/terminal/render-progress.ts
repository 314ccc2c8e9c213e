/** What progress looks like at a moment. Pure: the state of a task and the time in, text out. */
import { countText, durationText } from "./figures.ts";
import { visibleLine } from "./visible-text.ts";

export interface TaskState {
  readonly title: string;
  /** Plural noun. */
  readonly unit: string;
  /** Null when unknown. */
  readonly total: number | null;
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number;
  /** Began while another task was under way. */
  readonly isNested: boolean;
  readonly done: number;
  readonly note: string;
}

/** Before this the rate is guesswork. */
const earliestEstimateMs = 500;

/** Milliseconds left at the average rate so far; null when there is nothing to tell it from. */
export function timeLeft({ total, done, startedAt }: TaskState, now: number): number | null {
  const elapsed = now - startedAt;
  if (total === null || done <= 0 || done >= total || elapsed < earliestEstimateMs) return null;
  return (elapsed * (total - done)) / done;
}

const widestBar = 24;
const narrowestBar = 6;
const titleWidth = 20;

/** One line of a terminal, never wider than it: the bar gives way first, then the end of the line. */
export function barLine(task: TaskState, now: number, columns: number): string {
  const left = timeLeft(task, now);
  const title = `${task.isNested ? "  " : ""}${task.title}`.padEnd(titleWidth);
  const time = left === null ? durationText(now - task.startedAt) : `${durationText(left)} left`;
  const words = [amount(task), time, task.note].filter((part) => part !== "").join("  ");
  // Two gaps and the two ends of the bar.
  const room = columns - 1 - title.length - words.length - 6;
  const drawn =
    task.total !== null && task.total > 0 && room >= narrowestBar
      ? `  ${bar(task.done / task.total, Math.min(widestBar, room))}`
      : "";
  return clipped(visibleLine(`${title}${drawn}  ${words}`), columns - 1);
}

/** The same for a log. */
export function progressLine(task: TaskState, now: number): string {
  const left = timeLeft(task, now);
  const time = left === null ? `${durationText(now - task.startedAt)} so far` : `${durationText(left)} left`;
  return visibleLine(`${task.title}: ${amount(task)}, ${time}${task.note === "" ? "" : ` (${task.note})`}`);
}

export function finishedLine(task: TaskState, now: number): string {
  const what = task.done === 0 ? "" : `${countText(task.done)} ${task.unit} in `;
  return visibleLine(`${task.title}: ${what}${durationText(now - task.startedAt)}`);
}

function amount({ total, done, unit }: TaskState): string {
  return total === null ? `${countText(done)} ${unit}` : `${countText(done)} of ${countText(total)} ${unit}`;
}

/** Eighths of a cell make it move smoothly. */
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(fraction: number, width: number): string {
  const cells = Math.min(1, Math.max(0, fraction)) * width;
  const whole = Math.floor(cells);
  const part = eighths[Math.floor((cells - whole) * 8)]!;
  return `▕${("█".repeat(whole) + part).padEnd(width)}▏`;
}

function clipped(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
