/**
 * Watches the runtime of the thread that calls it, and writes what happens into a ring. What is watched gets listeners and nothing else,
 * and nothing that goes wrong here reaches it.
 */
import type { RingHandle } from "./ring-layout.ts";
import { RingWriter } from "./ring-writer.ts";
import { watchChannels } from "./watch/channels.ts";
import { watchCollections } from "./watch/collections.ts";
import { watchLoop } from "./watch/loop.ts";

export interface WatchRuntimeOptions {
  /** Milliseconds between two entries about the event loop. Default 1000. */
  readonly loopWindowMs?: number;
}

/**
 * Once a thread and ring. What goes on in other threads is not seen: each is watched by itself.
 * @param ring of `RuntimeLog.ring`. @returns disposing of it ends the watch and gives the ring back
 * @throws OPTION_INVALID where the ring has a writer
 */
export function watchRuntime(
  ring: RingHandle,
  { loopWindowMs = 1000 }: WatchRuntimeOptions = {},
): Disposable {
  using stack = new DisposableStack();
  const writer = stack.use(new RingWriter(ring));
  stack.use(watchCollections(writer));
  stack.use(watchLoop(writer, loopWindowMs));
  stack.use(watchChannels(writer));
  return stack.move();
}
