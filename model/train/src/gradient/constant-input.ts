/** Settings that came to be inputs (axes, starts, pads): a gradient's graph depends on them, so they must be constants. */
import type { GradientContext } from "../gradient-rule.ts";

/** The elements of a constant input; null when it is left out. `what` names it in the error. */
export function constantInput(
  { node, unsupported }: GradientContext,
  index: number,
  what: string,
): readonly number[] | null {
  const input = node.input(index);
  if (input === null) return null;
  if (!input.constant) throw unsupported(`its ${what} are not constant`);
  return input.constant.toNumbers();
}

/** An axis counted from the end is counted from the start. */
export const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
