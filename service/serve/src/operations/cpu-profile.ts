/**
 * Where the main thread spends its time, as Chrome's developer tools read it (.cpuprofile), by the inspector of Node. The
 * threads of the engine are not in it.
 */
import { Session } from "node:inspector/promises";
import { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";

/**
 * The profile of the next seconds, as a stream that begins when they are over. @throws the reason of `signal` when it
 * fires: the profiler is stopped then
 */
export async function cpuProfile(seconds: number, signal: AbortSignal): Promise<Readable> {
  signal.throwIfAborted();
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    try {
      await wait(seconds * 1000, undefined, { signal });
    } catch {
      throw signal.reason;
    }
    const { profile } = await session.post("Profiler.stop");
    return Readable.from([JSON.stringify(profile)]);
  } finally {
    // Ends a profile that goes on as well.
    session.disconnect();
  }
}
