/** The bytes of an answer, as many as the client takes. */
import { clientError } from "../errors.ts";

/** @param most bytes. @throws ANSWER_TOO_LARGE, and what reading throws */
export async function wholeBody(
  body: AsyncIterable<Uint8Array>,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > most) throw clientError("ANSWER_TOO_LARGE", `The answer has more than ${most} bytes.`);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
