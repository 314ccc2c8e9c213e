/** Answers of a stream in the order of its requests, a bounded number of them being made at once. */

/**
 * @param most requests that are answered at once; the next is not read before
 * @param map must not reject: an error is an answer too
 */
export async function* mapInOrder<Request, Answer>(
  requests: AsyncIterable<Request>,
  most: number,
  map: (request: Request) => Promise<Answer>,
): AsyncIterable<Answer> {
  const iterator = requests[Symbol.asyncIterator]();
  const answers: Promise<Answer>[] = [];
  let next: Promise<IteratorResult<Request>> | null = null;
  let isOver = false;
  while (!isOver || answers.length > 0) {
    const [oldest] = answers;
    if (!isOver && answers.length < most) {
      next ??= iterator.next();
      const read = await Promise.race(oldest === undefined ? [next] : [next, oldest.then(() => null)]);
      if (read !== null) {
        next = null;
        if (read.done) isOver = true;
        else answers.push(map(read.value));
        continue;
      }
    }
    answers.shift();
    yield await oldest!;
  }
}
