/**
 * Lets a process end while its sessions are at work.
 *
 * When Node stops a worker thread inside the binding's native code, the binding throws where nobody can
 * catch, and the whole process aborts (SIGABRT; onnxruntime-node 1.30). So a thread is never terminated,
 * and `process.exit` waits for the native call in course, through two numbers in shared memory:
 *
 *     thread: inside := 1; if leaving, inside := 0 and stop; call, or hold a lock; inside := 0
 *     exit:   leaving := 1; wait until inside = 0
 *
 * Each side writes its own number before it reads the other's (atomics are sequentially consistent), so
 * either the thread sees that the process is leaving, or the process sees that the thread is inside.
 */
const inside = 0;
const leaving = 1;

/** Longer than most runs; then the process ends, come what may. */
const longestWaitMs = 10_000;

export type GuardMemory = Int32Array<SharedArrayBuffer>;

export function createGuardMemory(): GuardMemory {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** In the thread: makes a native call that process exit waits for. Makes none, and throws, once leaving. */
export async function guarded<Result>(memory: GuardMemory, call: () => Promise<Result>): Promise<Result> {
  Atomics.store(memory, inside, 1);
  try {
    if (Atomics.load(memory, leaving) === 1) throw new Error("The process is ending.");
    return await call();
  } finally {
    Atomics.store(memory, inside, 0);
    Atomics.notify(memory, inside);
  }
}

/**
 * In the thread: work of one piece that others wait for, such as under a lock, which a thread that is stopped in it would
 * never give back. It is left out once leaving: the owner does then what is to do.
 */
export function unlessLeaving(memory: GuardMemory, work: () => void): void {
  const isInside = Atomics.exchange(memory, inside, 1) === 1;
  try {
    if (Atomics.load(memory, leaving) === 0) work();
  } finally {
    if (!isInside) {
      Atomics.store(memory, inside, 0);
      Atomics.notify(memory, inside);
    }
  }
}

const guardedThreads = new Map<GuardMemory, () => void>();

/** In the owner: waits for this thread at exit, until `unguardExit`. @param left is called when it has been waited for */
export function guardExit(memory: GuardMemory, left: () => void): void {
  if (guardedThreads.size === 0) process.on("exit", waitForThreads);
  guardedThreads.set(memory, left);
}

export function unguardExit(memory: GuardMemory): void {
  guardedThreads.delete(memory);
  if (guardedThreads.size === 0) process.off("exit", waitForThreads);
}

function waitForThreads(): void {
  for (const memory of guardedThreads.keys()) Atomics.store(memory, leaving, 1);
  for (const [memory, left] of guardedThreads) {
    Atomics.wait(memory, inside, 1, longestWaitMs);
    left();
  }
}
