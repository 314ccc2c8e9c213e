/**
 * Who left, told apart from whose time was up: the library's signal fires for both, and once more when a call is over.
 * The deadline itself, the header `grpc-timeout`, is kept by admission, which may shorten it.
 */
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";

/**
 * A client whose time is up resets its stream, and that may arrive before the deadline does here, where the time began a
 * little later: with so little left, in ms, it is the deadline that ends the call.
 */
const nearlyUp = 25;

/** Fires when the client has left: it reset its stream or its connection ended. */
export function departureOf({ signal, timeoutMs }: HandlerContext): AbortSignal {
  const left = new AbortController();
  const leave = () => {
    const { reason } = signal;
    const isLate = reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
    const rest = timeoutMs();
    if (!isLate && (rest === undefined || rest > nearlyUp)) left.abort();
  };
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  return left.signal;
}
