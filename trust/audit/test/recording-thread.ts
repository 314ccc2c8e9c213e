/** A thread that records through its owner, then tells the receipts. */
import { workerData } from "node:worker_threads";
import { withAuditContext } from "../src/recorder/audit-context.ts";
import { connectRecorder } from "../src/recorder/connect-recorder.ts";
import { loadEvent } from "./recorded.ts";

const { port, tell, name, count } = workerData;
using recorder = connectRecorder(port);
const receipts = await withAuditContext({ tenant: name }, () =>
  Promise.all(Array.from({ length: count }, (_, i) => recorder.record(loadEvent(i)))),
);
const refused = await recorder.record({ ...loadEvent(0), action: "NO.SUCH" }).catch(({ code }) => code);
tell.postMessage({ receipts, refused });
tell.close();
