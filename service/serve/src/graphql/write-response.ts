/** An answer of the Fetch API on Node's own response: whole, or as it comes, no faster than its client reads. */
import { once } from "node:events";
import type { FaceRequest, FaceResponse } from "../core/face.ts";
import { sendAnswer } from "../core/send-answer.ts";

/** Of one connection alone: HTTP/2 has none of them, and in HTTP/1.1 Node writes its own. */
const ofConnection: ReadonlySet<string> = new Set(["connection", "transfer-encoding", "content-encoding"]);

/** @param left fires when the client leaves: nothing more is asked of the answer then */
export async function writeResponse(
  answer: Response,
  request: FaceRequest,
  response: FaceResponse,
  left: AbortSignal,
): Promise<void> {
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !ofConnection.has(name)));
  const { status, body } = answer;
  if (body === null || !isStream(headers["content-type"])) {
    sendAnswer({ status, headers, body: Buffer.from(await answer.arrayBuffer()) }, request, response);
    return;
  }
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => {});
  left.addEventListener("abort", cancel, { once: true });
  try {
    while (!left.aborted) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!write(response, value)) await once(response, "drain", { signal: left }).catch(() => {});
    }
  } finally {
    left.removeEventListener("abort", cancel);
    cancel();
    if (!left.aborted) response.end();
  }
}

/** The two servers of Node type it alike, and not as one. */
function write(response: FaceResponse, bytes: Uint8Array): boolean {
  return "stream" in response ? response.write(bytes) : response.write(bytes);
}

function isStream(type: string | undefined): boolean {
  return type !== undefined && /^(text\/event-stream|multipart\/mixed)\b/.test(type);
}
