/**
 * connectrpc's conformance suite (Go), all protocols: against our listener, with its service behind our ALPN, first bytes,
 * limits and gate; then against the transports that clients are made of.
 * `node tools/conformance/connect-conformance.ts`; more arguments go to the suite, such as --run PATTERN.
 *
 * CUPEL_CONNECTCONFORMANCE names the program (default: on the path); its .proto files are read from its Go module
 * (`go install connectrpc.com/conformance/cmd/connectconformance@latest` brings both). buf is fetched for the occasion.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { run, skip } from "./run-tool.ts";

const suite = process.env.CUPEL_CONNECTCONFORMANCE ?? "connectconformance";
if (spawnSync(suite, ["--help"]).error) skip("connectconformance", `${suite} is not there`);
const cache = spawnSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" }).stdout?.trim();
const [module] = cache ? globSync(join(cache, "connectrpc.com/conformance@*/proto")).sort().reverse() : [];
if (module === undefined) skip("connectconformance", "its Go module is not in the module cache of go");

await using folder = await openTemporaryFolder("conformance");
const descriptors = join(folder.path, "conformance.binpb");
const built = run("npx", [
  ...["--yes", "--package=@bufbuild/buf@1.74.0", "--", "buf", "build", module, "-o", descriptors],
]);
if (built !== 0) throw new Error("buf cannot build the suite's .proto files.");
const here = (name: string) => join(import.meta.dirname, name);
const programs = {
  server: join(import.meta.dirname, "../../service/serve/tools/connect-conformance-server.ts"),
  client: join(import.meta.dirname, "../../service/serve/tools/connect-conformance-client.ts"),
};
const modes = {
  server: ["--max-servers", "2", "--parallel", "4"],
  client: [
    ...["--known-failing", `@${here("connect-client-known-failing.txt")}`],
    // At its deadline a server may reset the stream before the library's own timer fires, which then says canceled.
    ...["--known-flaky", "Timeouts/**/(grpc server impl)/**"],
  ],
};
const statuses = (["server", "client"] as const).map((mode) =>
  run(suite, [
    ...["--mode", mode, "--conf", here("connect-conformance.yaml"), ...modes[mode]],
    ...[...process.argv.slice(2), "--"],
    ...[process.execPath, programs[mode], descriptors],
  ]),
);
process.exitCode = Math.max(...statuses);
