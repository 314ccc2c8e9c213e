/** HTTP by fetch. A browser does not say why a connection failed, nor whether the request was sent. */
import { clientError } from "../errors.ts";
import type { FaceOptions } from "../faces/platform.ts";
import type { HttpClient } from "../rest/http-client.ts";
import { wholeBody } from "../rest/whole-body.ts";

export function createFetchClient(endpoint: URL, { maxAnswerBytes }: FaceOptions): HttpClient {
  const base = endpoint.href.replace(/\/$/, "");
  return {
    async send({ method, path, headers, body, signal }) {
      try {
        const answer = await fetch(base + path, {
          method,
          headers,
          signal,
          cache: "no-store",
          body: body ?? null,
        });
        return {
          status: answer.status,
          header: (name) => answer.headers.get(name),
          body: answer.body === null ? new Uint8Array() : await wholeBody(answer.body, maxAnswerBytes),
        };
      } catch (thrown) {
        if (signal.aborted) throw signal.reason;
        if (!(thrown instanceof TypeError)) throw thrown;
        throw clientError(
          "CONNECTION_LOST",
          `No answer came (${thrown.message}), and a browser does not say why: the connection broke, or the server does not let in pages of this origin (cors.origins).`,
          { cause: thrown },
        );
      }
    },
    [Symbol.dispose]() {},
  };
}
