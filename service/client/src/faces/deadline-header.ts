/** How a server is told over HTTP what is left of a call's time: in whole ms, at least 1. */
import type { FaceCall } from "./face.ts";

export function deadlineHeader({ timeoutMs }: FaceCall): Readonly<Record<string, string>> {
  return timeoutMs === null ? {} : { "cupel-timeout-ms": String(Math.max(1, Math.ceil(timeoutMs))) };
}
