/** One request to a witness or a time-stamping authority: bounded in time and in what it takes, and no redirection. */
import { type CupelError, cancellation, reasonOf } from "@cupel/base";

export interface PostOptions {
  /** Of the body. */
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Bytes of the answer. */
  readonly limit: number;
  /** Milliseconds, for all of it. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Makes the error where no answer came. */
  readonly unreachable: (reason: string, cause: unknown) => CupelError;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** @throws what `unreachable` makes; CANCELLED, DEADLINE_EXCEEDED by the signal */
export async function post(url: string, options: PostOptions): Promise<Answer> {
  const { type, body, limit, timeout, signal, unreachable } = options;
  const clock = AbortSignal.timeout(timeout);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": type },
      body,
      redirect: "error",
      signal: signal === undefined ? clock : AbortSignal.any([signal, clock]),
    });
    return { status: response.status, body: await readBody(response, limit) };
  } catch (thrown) {
    if (signal?.aborted) throw cancellation(`Asking ${url}`, signal);
    const reason = clock.aborted ? `it did not answer within ${timeout} ms` : causeOf(thrown);
    throw unreachable(reason, thrown);
  }
}

async function readBody(response: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limit) throw new Error(`its answer has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `fetch` says "fetch failed", and in its cause why. */
function causeOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.cause !== undefined ? reasonOf(thrown.cause) : reasonOf(thrown);
}
