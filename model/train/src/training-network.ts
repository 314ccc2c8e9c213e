/** The network a step is compiled from, on its way in and out: made ready for a batch, and filled with what was trained. */
import { cloneModel, foldConstants, inferShapes, Model, Tensor } from "@cupel/onnx";
import { Emitter } from "./emitter.ts";
import { trainErrors } from "./errors.ts";
import { outOfStorage, type Storage } from "./storage.ts";

/** A copy without arithmetic on constants, so that what is trained is what layers read. */
export function foldNetwork(network: Model): Model {
  const model = cloneModel(network);
  foldConstants.run(model);
  return model;
}

/** A copy with static shapes that ends in logits. @throws TRAINING_CONFIG_INVALID; those of `inferShapes` */
export function fixBatch(network: Model, batch: number): Model {
  if (!Number.isInteger(batch) || batch < 1) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `A batch of ${batch} pictures: it must be a whole number above 0.`,
    );
  }
  const model = cloneModel(network);
  inferShapes(model, {
    inputShapes: Object.fromEntries(
      model.graph.inputs.map((input) => [
        input.name,
        (input.shape ?? []).map((size, axis) => (axis === 0 ? batch : size)),
      ]),
    ),
  });
  foldConstants.run(model);
  inferShapes(model);
  // A loss takes logits: a Softmax that only makes probabilities of them is left out.
  const last = model.graph.outputs[0]?.producer;
  if (last?.is("Softmax") && last.output.uses.length === 0) model.graph.outputs[0] = last.input(0)!;
  return model;
}

/** An empty graph that may hold what the network's operators do. */
export function emitterBeside({ irVersion, opsets }: Model): Emitter {
  return new Emitter(new Model({ irVersion: Math.max(8, irVersion), opsets: new Map(opsets) }));
}

/** A copy with other values, by name, each as its storage says. */
export function withValues(
  network: Model,
  storages: ReadonlyMap<string, Storage>,
  values: Readonly<Record<string, Float32Array>>,
): Model {
  const model = cloneModel(network);
  for (const value of model.graph.initializers) {
    const trained = values[value.name];
    const storage = storages.get(value.name);
    if (!trained || !storage) continue;
    model.graph.setConstant(value, Tensor.float32(value.constant!.dims, outOfStorage(trained, storage)));
  }
  return model;
}
