/** A frame of the flame graph in words. */
import type { FlameFrame, FrameKind } from "@cupel/profile";

export const kindText: Readonly<Record<FrameKind, string>> = {
  thread: "thread or session",
  engine: "engine: run, layer",
  kernel: "engine: node",
  script: "JavaScript",
  node: "Node.js itself",
  native: "native code, garbage collector",
};

/** "main: 550 µs, 19.6 % of all; 100 µs its own; src/main.ts:10" */
export function frameText(frame: FlameFrame, whole: number): string {
  const own = frame.us - frame.children.reduce((sum, { us }) => sum + us, 0);
  const share = whole === 0 ? 0 : frame.us / whole;
  const parts = [
    `${timeText(frame.us)}, ${shareText(share)} of all`,
    ...(frame.children.length > 0 && own > 0 ? [`${timeText(own)} its own`] : []),
    ...(frame.note === "" ? [] : [frame.note]),
  ];
  return `${frame.name}: ${parts.join("; ")}`;
}

/** @param us microseconds */
export function timeText(us: number): string {
  if (us >= 1e6) return `${(us / 1e6).toFixed(us >= 1e7 ? 1 : 2)} s`;
  return us >= 1000 ? `${(us / 1000).toFixed(us >= 1e5 ? 0 : 1)} ms` : `${us.toFixed(0)} µs`;
}

function shareText(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
}
