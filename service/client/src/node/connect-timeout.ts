/** An address that answers nothing would hold a call for minutes, which another endpoint could have answered. */
import type { Socket } from "node:net";
import { clientError } from "../errors.ts";

/** Until it is connected, and over TLS agreed. @param limitMs in ms */
export function refuseSlowConnection(socket: Socket, limitMs: number): void {
  if (!socket.connecting) return;
  const isSecure = "encrypted" in socket;
  const timer = setTimeout(() => {
    const message = `The server cannot be reached: no connection was made in ${limitMs} ms.`;
    socket.destroy(clientError("SERVER_UNREACHABLE", message, { mayHaveRun: false }));
  }, limitMs);
  const stop = () => clearTimeout(timer);
  socket.once(isSecure ? "secureConnect" : "connect", stop);
  socket.once("close", stop);
}
