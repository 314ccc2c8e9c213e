/** Networks with channels at zero: what a network without them must agree with. */
import { createRandom } from "@cupel/base";
import { cloneModel, type Model, Tensor } from "@cupel/onnx";
import { channelGroups } from "../../src/prune/channel-groups.ts";
import { followChannels } from "../../src/prune/follow-channels.ts";

/** Part of each group, at random, but never all. */
export function someChannels(model: Model, seed: number): Set<number> {
  const random = createRandom(seed);
  return new Set(
    channelGroups(model).groups.flatMap(({ channels }) => {
      const stays = random.integer(channels.length);
      return channels.filter((_, i) => i !== stays && random.uniform() < 0.5);
    }),
  );
}

/**
 * The network with these channels at zero: where they are made, and where something is held for each. With `readers` also
 * where they are summed, which is needed behind a function that does not make zero of zero.
 */
export function zeroed(model: Model, removed: ReadonlySet<number>, readers: boolean): Model {
  const copy = cloneModel(model);
  const { coupling, places } = followChannels(copy);
  for (const { parameter, axis, labels, side } of places) {
    if (side === "reads" && !readers) continue;
    const { dims } = parameter.constant!;
    const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    const values = parameter.constant!.toFloat32().map((value, i) => {
      const label = labels[Math.floor(i / inner) % dims[axis]!]!;
      return removed.has(coupling.find(label)) ? 0 : value;
    });
    copy.graph.setConstant(parameter, Tensor.float32(dims, values));
  }
  return copy;
}
