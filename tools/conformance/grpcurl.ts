/**
 * grpcurl (Go) without a .proto file: what it lists, describes and calls it knows by reflection alone.
 * `node tools/conformance/grpcurl.ts`; CUPEL_GRPCURL names the program, by default the one on the path.
 */
import { spawnSync } from "node:child_process";
import { skip } from "./run-tool.ts";
import { startServer } from "./start-server.ts";

const grpcurl = process.env.CUPEL_GRPCURL ?? "grpcurl";
if (spawnSync(grpcurl, ["-version"]).error) skip("grpcurl", `${grpcurl} is not there`);

await using server = await startServer();
const { host } = new URL(server.url);
const inference = "inference.GRPCInferenceService";
const input = '{"name":"x","datatype":"FP32","shape":[1,3],"contents":{"fp32_contents":[1,2,3]}}';

interface Case {
  readonly name: string;
  readonly flags?: readonly string[];
  /** After the address. */
  readonly args: readonly string[];
  /** What it must print, on either output; it must succeed unless this says a status. */
  readonly prints: readonly RegExp[];
  readonly fails?: boolean;
}

const cases: readonly Case[] = [
  {
    name: "lists the services",
    args: ["list"],
    prints: [
      /^inference\.GRPCInferenceService$/m,
      /^grpc\.health\.v1\.Health$/m,
      /^cupel\.v1\.VisionService$/m,
    ],
  },
  { name: "lists the methods of one", args: ["list", inference], prints: [/\.ModelStreamInfer$/m] },
  {
    name: "describes a message",
    args: ["describe", "inference.ModelInferRequest"],
    prints: [/repeated bytes raw_input_contents = 7;/, /string model_version = 2;/],
  },
  {
    name: "describes an enumeration of another file",
    args: ["describe", "inference.DataType"],
    prints: [/TYPE_FP32 = 11;/],
  },
  { name: "checks health", args: ["grpc.health.v1.Health/Check"], prints: [/"status": "SERVING"/] },
  {
    name: "checks the health of a service that is not there",
    flags: ["-d", '{"service":"no.Such"}'],
    args: ["grpc.health.v1.Health/Check"],
    prints: [/Code: NotFound/, /"reason": "SERVICE_UNKNOWN"/],
    fails: true,
  },
  {
    name: "infers",
    flags: ["-d", `{"model_name":"scaler","id":"g","inputs":[${input}]}`],
    args: [`${inference}/ModelInfer`],
    // 3, 6 and 9 as float32.
    prints: [/"AABAQAAAwEAAABBB"/, /"id": "g"/],
  },
  {
    name: "streams",
    flags: ["-d", `{"model_name":"scaler","id":"1","inputs":[${input}]}{"model_name":"none","id":"2"}`],
    args: [`${inference}/ModelStreamInfer`],
    prints: [/"id": "1"/, /"errorMessage": "MODEL_UNKNOWN: /],
  },
  {
    name: "is told what is wrong, with details",
    flags: ["-d", '{"model_name":"none"}'],
    args: [`${inference}/ModelInfer`],
    prints: [/Code: NotFound/, /"reason": "MODEL_UNKNOWN"/],
    fails: true,
  },
  {
    name: "reads metadata",
    flags: ["-d", '{"name":"scaler"}'],
    args: [`${inference}/ModelMetadata`],
    prints: [/"platform": "onnxruntime_onnx"/, /"-1"/],
  },
];

let failed = 0;
for (const { name, flags = [], args, prints, fails = false } of cases) {
  const { status, stdout, stderr } = spawnSync(grpcurl, ["-plaintext", ...flags, host, ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  const printed = stdout + stderr;
  const isRight = (status !== 0) === fails && prints.every((each) => each.test(printed));
  console.log(`${isRight ? "ok  " : "FAIL"} ${name}`);
  if (isRight) continue;
  failed++;
  console.log(`status ${status}\n${printed}`);
}
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
