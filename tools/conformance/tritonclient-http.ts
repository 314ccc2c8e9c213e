/**
 * Triton's client from PyPI, unmodified, over HTTP: JSON and binary tensors.
 * `node tools/conformance/tritonclient-http.ts`; CUPEL_PYTHON names a Python with tritonclient[http].
 */
import { join } from "node:path";
import { hasPackage, python, run, skip } from "./run-tool.ts";
import { startServer } from "./start-server.ts";

if (!hasPackage("tritonclient.http")) skip("tritonclient over HTTP", `${python} has no tritonclient[http]`);
await using server = await startServer();
const script = join(import.meta.dirname, "tritonclient-http.py");
process.exitCode = run(python, [script, new URL(server.url).host]);
