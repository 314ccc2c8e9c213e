/**
 * Whether zeros save time: a ResNet-50 whose every second channel is masked, that is whose weights are zero, and one that
 * does not have those channels. The engine multiplies by zero like by any number; only what is not there takes no time.
 */
import { encodeModelBytes, type Model, Tensor } from "@cupel/onnx";
import { measureLatency } from "@cupel/runtime";
import type { Benchmark } from "./benchmark.ts";
import { inverse, megabytes, millisecondsText, ratioText, tableText } from "./figures.ts";
import { resnet50 } from "./models/resnet50.ts";

const rounds = 30;
/** How much less than the whole the masked one may take to have saved nothing. */
const nothing = 0.05;

export const channelMask: Benchmark = {
  name: "channel-mask",
  claim:
    "ResNet-50, one thread: masking every second channel saves no time (within 5 %), removing them saves more than half.",
  peer: "the same network whole, same engine, runs interleaved",
  takes: "1 min",
  async run({ print, signal }) {
    const contestants = [
      { name: "whole", model: encodeModelBytes(resnet50()) },
      { name: "every second channel masked", model: encodeModelBytes(maskChannels(resnet50())) },
      { name: "half the channels removed", model: encodeModelBytes(resnet50({ width: 32 })) },
    ];
    const latencies = await measureLatency(contestants, { threads: 1, runs: rounds, signal });
    // This one's time over that of the whole.
    const [, masked, removed] = latencies.map(({ ratio }) => inverse(ratio));
    print(
      tableText([
        ["ResNet-50", "bytes", "latency", "whole's time over its own"],
        ...latencies.map(({ name, latency, ratio }, i) => [
          name,
          megabytes(contestants[i]!.model.length),
          millisecondsText(latency),
          ratioText(ratio),
        ]),
      ]),
    );
    return {
      kind: "measured",
      figures: { rounds, latencies },
      bars: [
        {
          claim: `masked: takes the whole's time, ${nothing} less at most`,
          measured: ratioText(masked!),
          isMet: masked!.median >= 1 - nothing,
          isExact: false,
        },
        {
          claim: "removed: takes less than half the whole's time",
          measured: ratioText(removed!),
          isMet: removed!.median < 0.5,
          isExact: false,
        },
      ],
      quote: `with every second channel masked ${ratioText(masked!)} of the whole's time, with half of the channels removed ${ratioText(removed!)}`,
    };
  },
};

/** Zeroes the weights of every second output channel of each Conv. */
function maskChannels(model: Model): Model {
  for (const node of [...model.graph.nodes].filter((each) => each.is("Conv"))) {
    const weight = node.input(1)!;
    const { dims } = weight.constant!;
    const values = weight.constant!.toFloat32();
    const block = values.length / dims[0]!;
    const kept = values.map((value, i) => (Math.floor(i / block) % 2 === 0 ? value : 0));
    model.graph.setConstant(weight, Tensor.float32(dims, kept));
  }
  return model;
}
