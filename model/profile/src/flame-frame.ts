/** One box of a flame graph: some work, and the work it was made of. */

/** What kind of work: decides the colour. */
export type FrameKind =
  /** The recording, and each thread or session. */
  | "thread"
  /** A function of ours or of a dependency. */
  | "script"
  /** A function of Node itself. */
  | "node"
  /** V8 itself: collection of garbage, compilation, native calls. */
  | "native"
  /** A part of a session's life: loading, a run, a layer. */
  | "engine"
  /** A node of the graph. */
  | "kernel";

export interface FlameFrame {
  readonly name: string;
  readonly kind: FrameKind;
  /** Microseconds, those of the children included. */
  readonly us: number;
  /** Where it is, or what it does; may be empty. */
  readonly note: string;
  /** Slowest first. Their sum is at most `us`; the rest is the frame's own. */
  readonly children: readonly FlameFrame[];
}

/** A frame that is nothing but its children. */
export function frameOf(
  name: string,
  kind: FrameKind,
  children: readonly FlameFrame[],
  note = "",
): FlameFrame {
  return { name, kind, us: sumOf(children), note, children: slowestFirst(children) };
}

export function slowestFirst(frames: readonly FlameFrame[]): FlameFrame[] {
  return frames.toSorted((a, b) => b.us - a.us);
}

export function sumOf(frames: readonly FlameFrame[]): number {
  return frames.reduce((sum, { us }) => sum + us, 0);
}
