/** Requests of a stream until the client ends it or the signal fires: what was read is finished, nothing more is read. */
export async function* untilStopped<Request>(
  requests: AsyncIterable<Request>,
  signal: AbortSignal,
): AsyncIterable<Request> {
  const iterator = requests[Symbol.asyncIterator]();
  while (!signal.aborted) {
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Request>>();
    const stop = () => resolve({ done: true, value: undefined });
    // Taken off again each time: a race against one promise would hold on to every request of a long stream.
    signal.addEventListener("abort", stop, { once: true });
    iterator.next().then(resolve, reject);
    try {
      const read = await promise;
      if (read.done) return;
      yield read.value;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}
