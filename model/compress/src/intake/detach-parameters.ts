/**
 * Parameters that a caller may override (initialisers listed among the inputs, as exporters before IR 4
 * wrote them) become constants: every pass after this rewrites parameters, so an override would not mean
 * what it meant.
 */
import type { Pass } from "@cupel/onnx";

const firstIrWithClosedConstants = 4;

export const detachParameters: Pass = {
  name: "detach-parameters",
  ensures: ["fixedConstants"],
  run(model) {
    const { inputs } = model.graph;
    const open = inputs.filter((value) => !value.constant);
    const closed = inputs.length - open.length;
    const isOld = model.irVersion < firstIrWithClosedConstants;
    inputs.splice(0, inputs.length, ...open);
    if (isOld) model.irVersion = firstIrWithClosedConstants;
    return {
      modified: closed > 0 || isOld,
      notes: closed ? [`took ${closed} parameters off the list of inputs`] : [],
    };
  },
};
