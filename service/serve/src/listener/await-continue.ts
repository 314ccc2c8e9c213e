/**
 * `Expect: 100-continue` (RFC 9110, section 10.1.1): the client waits with its body until it is told to go on. It is told
 * when the body is first read, so that one that is not wanted (no rights, too many requests, too long by its
 * Content-Length) is refused before it is sent.
 */
import type { FaceRequest, FaceResponse } from "../core/face.ts";

/** Call it before the request is handed on. @param continued hears that the body is coming */
export function continueWhenRead(request: FaceRequest, response: FaceResponse, continued: () => void): void {
  const read = request._read.bind(request);
  request._read = (size) => {
    request._read = read;
    // What is read after the answer is what a client sends all the same.
    if (!response.headersSent) {
      response.writeContinue();
      continued();
    }
    read(size);
  };
}
