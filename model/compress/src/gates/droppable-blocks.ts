/**
 * A network whose residual blocks are dropped image by image while it is trained, so that it learns to do without them (stochastic depth,
 * Huang et al. 2016, https://arxiv.org/abs/1603.09382): behind a block that makes b of a stands keep * b + (1 - keep) * a. Of a
 * row of blocks the last ones are dropped, as many as chance says, as gates leave them out.
 */
import type { Random } from "@cupel/base";
import { cloneModel, Emitter, inferShapes, type Model, Tensor } from "@cupel/onnx";
import type { Feeds } from "@cupel/runtime";
import type { ResidualSpan } from "./residual-spans.ts";

export interface DroppableBlocks {
  readonly model: Model;
  /** Of the blocks of each row, in the order of the network: names of inputs [N, 1, 1, 1] that are 1, or 0 where an image does without. */
  readonly keeps: readonly (readonly string[])[];
}

/** @param rows as `residualSpans` gives them. `network` is left as it is */
export function droppableBlocks(network: Model, rows: readonly (readonly ResidualSpan[])[]): DroppableBlocks {
  const model = cloneModel(network);
  const { graph } = model;
  const [images] = graph.inputs.find(({ constant }) => !constant)!.shape!;
  const keeps = rows.map((row) => {
    let before = graph.value(row[0]!.from.name)!;
    return row.map(({ to }, i) => {
      const made = graph.value(row[i + 1]?.from.name ?? to)!;
      const readers = [...made.uses];
      const emit = new Emitter(model, { typed: false }).behind(made.producer, "depth");
      const keep = emit.input(`${made.name}/keep`, "float32", [images!, 1, 1, 1]);
      const past = emit.mul(before, emit.sub(emit.scalar(1), keep));
      before = emit.add(emit.mul(made, keep), past);
      for (const { node, index } of readers) node.setInput(index, before);
      return keep.name;
    });
  });
  inferShapes(model);
  return { model, keeps };
}

/** @param share of the images, drawn for each row of blocks, that do without some of it; a quarter of the images see the whole network */
export function dropSome(
  { keeps }: DroppableBlocks,
  images: number,
  { share, random }: { readonly share: number; readonly random: Random },
): Feeds {
  const rows = keeps.map((names) => names.map(() => new Float32Array(images).fill(1)));
  for (let image = Math.ceil(images / 4); image < images; image++) {
    for (const row of rows) {
      if (random.uniform() >= share) continue;
      for (const block of row.slice(random.integer(row.length))) block[image] = 0;
    }
  }
  const fed = keeps.flatMap((names, row) =>
    names.map(
      (name, i) => [name, { type: "float32", dims: [images, 1, 1, 1], data: rows[row]![i]! }] as const,
    ),
  );
  return Object.fromEntries(fed);
}

/** The network with the numbers that were trained in another of the same names. `network` is left as it is. */
export function withTrained(network: Model, trained: Model): Model {
  const model = cloneModel(network);
  const { graph } = model;
  for (const value of [...graph.values()]) {
    const found = trained.graph.value(value.name)?.constant;
    if (value.constant?.type !== "float32" || !found) continue;
    graph.setConstant(value, Tensor.float32(value.constant.dims, found.toFloat32()));
  }
  return model;
}
