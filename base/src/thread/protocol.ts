/** What the owner of a worker thread and the thread itself tell each other. Plain data only. */
import type { PostedError } from "../posted-error.ts";

export type ToThread<Task> =
  | { readonly kind: "task"; readonly id: number; readonly task: Task }
  /** Forget a task that has not begun; tell one in hand that nobody waits for it. */
  | { readonly kind: "cancel"; readonly id: number }
  /** End once the task in hand is done, which is told so; those that have not begun are forgotten. */
  | { readonly kind: "close" };

export type FromThread<Result> =
  | { readonly kind: "done"; readonly id: number; readonly result: Result }
  | { readonly kind: "failed"; readonly id: number; readonly error: PostedError }
  /** Cancelled before it began. */
  | { readonly kind: "dropped"; readonly id: number };
