/** The first half of a training step: forward, loss, backward. The second half is `update.ts`. */
import type { Emitter, Model, Value } from "@cupel/onnx";
import { appendGradients } from "../differentiate.ts";
import { trainErrors } from "../errors.ts";
import { toRows } from "../rows/to-rows.ts";
import { emitLoss, type Loss } from "./loss.ts";
import type { StepState } from "./step-state.ts";

export interface ForwardBackward {
  /** A scalar. */
  readonly loss: Value;
  /** A scalar; null for losses without classes. */
  readonly correct: Value | null;
  /** Of the state's parameters, in their order; of the loss times its scale where it has one. */
  readonly gradients: readonly Value[];
}

/** @param network with static shapes. @throws GRADIENT_UNSUPPORTED, OUTPUT_UNSUPPORTED, TRAINING_CONFIG_INVALID */
export function emitForwardBackward(
  emit: Emitter,
  network: Model,
  state: StepState,
  { loss: kind = { kind: "cross-entropy" }, scale }: { loss: Loss | undefined; scale: Value | null },
): ForwardBackward {
  const inputs = new Map(
    network.graph.inputs.map((input) => [
      input,
      emit.input(input.name, emit.elementType(input), emit.dims(input)),
    ]),
  );
  const [output] = toRows(network.graph, emit, inputs, state);
  const { loss, correct } = emitLoss(emit, output!.plain, kind);
  const { parameters } = state.table;
  if (parameters.length === 0) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      "Nothing is trained: the network has no float parameter that was chosen.",
    );
  }
  const gradients = appendGradients(
    emit,
    scale ? emit.mul(loss, scale) : loss,
    parameters.map(({ current }) => current),
  );
  return { loss, correct, gradients };
}
