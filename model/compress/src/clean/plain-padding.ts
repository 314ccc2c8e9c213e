/**
 * Windows and their padding in the form that every kernel of the engine knows:
 *
 * - Pad with `axes` (operator set 18) is written out over all axes: the engine's change of layout reads its
 *   pads as if they were, and fails at run time.
 * - Pad with zeros before a Conv goes into the Conv's own pads; the engine has no 8-bit Pad.
 * - AveragePool with `dilations` of one loses them (operator set 19): its 8-bit kernel has no such attribute.
 */
import { attribute, type Graph, type Node, type Pass, Tensor } from "@cupel/onnx";

export const plainPadding: Pass = {
  name: "plain-padding",
  requires: ["fixedConstants"],
  run(model) {
    const { graph } = model;
    let changed = 0;
    for (const node of graph.nodes) {
      if (node.is("AveragePool") && node.ints("dilations")?.every((dilation) => dilation === 1)) {
        node.attributes.delete("dilations");
        changed++;
      }
      if (!node.is("Pad")) continue;
      if (node.input(3) && writeOutAxes(graph, node)) changed++;
      if (joinConvolutions(graph, node)) changed++;
    }
    return {
      modified: changed > 0,
      notes: changed ? [`wrote the padding of ${changed} nodes in a form that runs everywhere`] : [],
    };
  },
};

/** @returns whether the axes and the rank were known. */
function writeOutAxes(graph: Graph, node: Node): boolean {
  const rank = node.input(0)?.shape?.length;
  const axes = node.input(3)!.constant?.toNumbers();
  const pads = node.input(1)?.constant?.toNumbers();
  if (rank === undefined || !axes || !pads) return false;
  const all = Array<number>(2 * rank).fill(0);
  for (const [i, axis] of [...axes].entries()) {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = pads[i]!;
    all[rank + at] = pads[axes.length + i]!;
  }
  const oldPads = node.input(1)!;
  const written = graph.addConstant(`${oldPads.name}.all`, Tensor.int64([2 * rank], all));
  node.setInput(1, written);
  node.setInput(3, null);
  return true;
}

/** Only where every reader is a Conv that says its padding in numbers. */
function joinConvolutions(graph: Graph, node: Node): boolean {
  const input = node.input(0);
  const pads = node.input(1)?.constant?.toNumbers();
  if (!input || !pads || !padsWithZero(node) || node.input(3) || graph.isOutput(node.output)) return false;
  const rank = pads.length / 2;
  const begin = pads.slice(2, rank);
  const end = pads.slice(rank + 2);
  const isSpatial = [0, 1, rank, rank + 1].every((at) => pads[at] === 0);
  if (!isSpatial || [...begin, ...end].some((pad) => pad < 0)) return false;
  const { uses } = node.output;
  const isPadding = ({ node: reader, index }: (typeof uses)[number]) =>
    reader.is("Conv") && index === 0 && reader.string("auto_pad", "NOTSET") === "NOTSET";
  if (uses.length === 0 || !uses.every(isPadding)) return false;
  for (const { node: conv } of [...uses]) {
    const own = conv.ints("pads") ?? Array<number>(2 * (rank - 2)).fill(0);
    conv.attributes.set("pads", attribute.ints([...begin, ...end].map((pad, i) => pad + own[i]!)));
  }
  graph.bypass(node, input);
  return true;
}

function padsWithZero(node: Node): boolean {
  const fill = node.input(2);
  return node.string("mode", "constant") === "constant" && (!fill || fill.constant?.toNumbers()[0] === 0);
}
