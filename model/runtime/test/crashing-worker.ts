/** Speaks a session's protocol up to the first run, which ends the thread in the way the feed is named after. */
import { parentPort } from "node:worker_threads";
import type { SessionReply, SessionRequest } from "../src/session/session-protocol.ts";

const port = parentPort!;
port.on("message", (request: SessionRequest) => {
  if (request.kind === "open") {
    if (request.model.kind === "path" && request.model.path === "exit while opening") process.exit(4);
    const opened: SessionReply = { kind: "opened", inputs: [], outputs: [] };
    port.postMessage(opened);
  }
  if (request.kind === "run" && "exit" in request.feeds) process.exit(3);
  if (request.kind === "run" && "throw" in request.feeds) throw new Error("out of cheese");
  if (request.kind === "close") port.close();
});
