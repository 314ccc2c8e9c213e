/** HTTP/2 connections of connect-node whose window is as wide as the options say: connect-node itself leaves it as it is. */
import type { ClientHttp2Stream, Http2Session } from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

export class WideSessionManager extends Http2SessionManager {
  readonly #bytes: number;
  readonly #widened = new WeakSet<Http2Session>();

  /** @param bytes of a connection, for all its calls */
  constructor(bytes: number, ...settings: ConstructorParameters<typeof Http2SessionManager>) {
    super(...settings);
    this.#bytes = bytes;
  }

  override async request(...asked: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...asked);
    const { session } = stream;
    if (session && !session.destroyed && !this.#widened.has(session)) {
      this.#widened.add(session);
      // Written with the first request: the server knows before it answers.
      session.setLocalWindowSize(this.#bytes);
    }
    return stream;
  }
}
