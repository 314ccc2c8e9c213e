/** The process of the pass-through, so that what it carries waits for nobody's work but its own. */
import { once } from "node:events";
import { serveJob } from "./serve-job.ts";
import { openTcpDelay, type TcpDelayOptions } from "./tcp-delay.ts";

await serveJob(async (options: TcpDelayOptions, { signal, ready, onAsk }) => {
  await using delay = await openTcpDelay(options);
  onAsk(() => delay.connections);
  ready(delay.port);
  if (!signal.aborted) await once(signal, "abort");
  return null;
});
