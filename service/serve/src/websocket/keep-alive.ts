/**
 * Pings, which keep proxies from closing a quiet socket and tell of a client that is gone without a word. A client that
 * lives answers them by itself (RFC 6455, section 5.5.2); one that reads nothing for so long is as good as gone.
 */
import type { WebSocket } from "ws";

export interface KeepAliveOptions {
  /** Between two pings, in ms. */
  readonly pingMs: number;
  /** While what the client sends is not read on, its answers are not seen either: so long nothing may move then, in ms. */
  readonly stalledMs: number;
  /** Called once, when the client is given up. */
  dead(): void;
}

/** Pings in a row without a sign of life: counted, not timed, so that a server that was busy meanwhile blames nobody. */
const mostUnanswered = 2;

/** @returns to be called whenever something moved, until the socket closes */
export function keepAlive(socket: WebSocket, { pingMs, stalledMs, dead }: KeepAliveOptions): () => void {
  let unanswered = 0;
  const hear = () => {
    unanswered = 0;
  };
  const timer = setInterval(() => {
    const most = socket.isPaused ? stalledMs / pingMs : mostUnanswered;
    if (unanswered < most) {
      unanswered++;
      socket.ping();
    } else {
      clearInterval(timer);
      dead();
    }
  }, pingMs).unref();
  socket.on("pong", hear).on("message", hear);
  socket.once("close", () => clearInterval(timer));
  return hear;
}
