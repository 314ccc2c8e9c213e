/**
 * What no server of Node can be faster than that runs its engine in a thread: `node:http` takes a request, a worker thread
 * is sent its body and sends it back, and the request is answered. Prints its port.
 */
import { createServer } from "node:http";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { buffer } = new Uint8Array(Buffer.concat(chunks));
      worker.once("message", (bytes: ArrayBuffer) => response.end(Buffer.from(bytes, 0, 40)));
      worker.postMessage(buffer, [buffer]);
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    console.log(typeof address === "object" && address ? address.port : 0);
  });
} else {
  parentPort?.on("message", (bytes: ArrayBuffer) => parentPort?.postMessage(bytes, [bytes]));
}
