/**
 * Triton's client from PyPI, unmodified, over gRPC: unary, streams, deadlines, cancellation, gzip.
 * `node tools/conformance/tritonclient-grpc.ts`; CUPEL_PYTHON names a Python with tritonclient[grpc].
 */
import { join } from "node:path";
import { hasPackage, python, run, skip } from "./run-tool.ts";
import { startServer } from "./start-server.ts";

if (!hasPackage("tritonclient.grpc")) skip("tritonclient over gRPC", `${python} has no tritonclient[grpc]`);
await using server = await startServer();
const script = join(import.meta.dirname, "tritonclient-grpc.py");
process.exitCode = run(python, [script, new URL(server.url).host]);
