/**
 * Pooling with `ceil_mode` whose last window would begin in the padding behind the data. Every engine leaves that window
 * out; the shape rules of the operator sets 13 to 21, as ONNX Runtime has them, count it. A file in such a set does not
 * load once what follows knows its size, although the same nodes run in set 12 and in set 22.
 *
 * Such a node is written without `ceil_mode`, which says the same in every set: along an axis where a window is left
 * out, rounding down gives the right number; along the others the padding behind the data grows until it does. What
 * the padding grows by counts in no mean, as before. Sizes that are not known are left to whoever fixes them.
 */
import { attribute, type Graph, type Node, subgraphsOf, Tensor } from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";
import type { Pass } from "./pass.ts";

const pools: ReadonlySet<string> = new Set(["MaxPool", "AveragePool", "LpPool"]);

export const settleWindows: Pass = {
  name: "settle-windows",
  run(model) {
    if (!mayNeed(model.graph)) return { modified: false, notes: [] };
    const { types } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: false });
    const settle = (graph: Graph): number => {
      let count = 0;
      for (const node of graph.nodes) {
        for (const body of subgraphsOf(node)) count += settle(body);
        const data = node.input(0);
        const type = data && (types.get(data) ?? data.type);
        const shape = type?.kind === "tensor" ? type.shape : null;
        const sizes = (shape?.slice(2) ?? []).filter((size) => typeof size === "number");
        if (hasCeil(node) && shape && sizes.length === shape.length - 2 && rewrite(graph, node, sizes))
          count++;
      }
      return count;
    };
    const count = settle(model.graph);
    const what = count === 1 ? "1 pooling" : `${count} poolings`;
    return {
      modified: count > 0,
      notes: count > 0 ? [`wrote ${what} whose last window lies in the padding without ceil_mode`] : [],
    };
  },
};

function mayNeed(graph: Graph): boolean {
  return [...graph.nodes].some((node) => hasCeil(node) || subgraphsOf(node).some(mayNeed));
}

function hasCeil(node: Node): boolean {
  const autoPad = node.string("auto_pad", "NOTSET");
  return (
    node.isStandard &&
    pools.has(node.opType) &&
    node.int("ceil_mode", 0) === 1 &&
    (autoPad === "NOTSET" || autoPad === "VALID" || autoPad === "")
  );
}

/** @returns whether the node needed it. One that cannot be written otherwise stays as it is. */
function rewrite(graph: Graph, node: Node, sizes: readonly number[]): boolean {
  const kernel = node.ints("kernel_shape") ?? [];
  const rank = sizes.length;
  if (kernel.length !== rank) return false;
  const list = (name: string, length: number, fallback: number) =>
    node.ints(name) ?? Array.from({ length }, () => fallback);
  const strides = list("strides", rank, 1);
  const dilations = list("dilations", rank, 1);
  const isValid = node.string("auto_pad", "NOTSET") === "VALID";
  const pads = isValid ? Array.from({ length: 2 * rank }, () => 0) : list("pads", 2 * rank, 0);
  let isLeftOut = false;
  const ends = sizes.map((size, axis) => {
    const [stride, begin, end] = [strides[axis]!, pads[axis]!, pads[axis + rank]!];
    const extent = (kernel[axis]! - 1) * dilations[axis]! + 1;
    const counted = Math.ceil((size + begin + end - extent) / stride) + 1;
    const isBehind = (counted - 1) * stride >= size + begin;
    if (isBehind) isLeftOut = true;
    const last = (counted - (isBehind ? 2 : 1)) * stride;
    return Math.max(end, last + extent - size - begin);
  });
  if (!isLeftOut) return false;
  const grows = ends.some((end, axis) => end > pads[axis + rank]!);
  const isCounting = node.is("AveragePool") && node.int("count_include_pad", 0) === 1;
  const moved = grows && isCounting && pads.some((pad) => pad !== 0);
  // The padding that counts becomes data.
  const begins = pads.slice(0, rank).map((pad) => (moved ? 0 : pad));
  const behind = ends.map((end, axis) => (moved ? end - pads[axis + rank]! : end));
  // An engine refuses padding as wide as the kernel, dilated or not.
  if (behind.some((end, axis) => end >= kernel[axis]!)) return false;
  if (moved) {
    const widths = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
    const tensor = graph.addConstant(`${node.output.name}_pads`, Tensor.int64([widths.length], widths));
    node.setInput(0, graph.insertBefore(node, { opType: "Pad", inputs: [node.input(0), tensor] }).output);
  }
  if (grows && isCounting) node.attributes.delete("count_include_pad");
  node.attributes.delete("ceil_mode");
  node.attributes.delete("auto_pad");
  node.attributes.set("pads", attribute.ints([...begins, ...behind]));
  return true;
}
