/**
 * A connection on its way to a process that dies. node:cluster accepts connections in the process that supervises and
 * hands them on; one that the other process had not taken when it was killed stays open here (Node 26.10) and belongs to
 * nobody: its client waits for ever. It is closed instead, so that the client comes again.
 */
import type { Worker } from "node:cluster";

export interface HandedConnection {
  /** Closes what the process had not taken; to be called when it has ended. */
  drop(): void;
}

/** The next one is handed only when the last was taken: there is never more than one for a port. */
export function watchHandedConnection({ process: child }: Worker): HandedConnection {
  let last: unknown;
  child.send = new Proxy(child.send, {
    apply(send, its, given) {
      const [message, handle] = given;
      if (isNewConnection(message)) last = handle;
      return Reflect.apply(send, its, given);
    },
  });
  return {
    drop() {
      // What was taken is closed here already, and to close it again does nothing.
      if (isClosable(last)) last.close();
    },
  };
}

function isNewConnection(message: unknown): boolean {
  return typeof message === "object" && message !== null && "act" in message && message.act === "newconn";
}

function isClosable(handle: unknown): handle is { close(): void } {
  return (
    typeof handle === "object" && handle !== null && "close" in handle && typeof handle.close === "function"
  );
}
