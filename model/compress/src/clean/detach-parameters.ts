/**
 * Parameters that a caller may override (initialisers listed among the inputs, as exporters before IR 4
 * wrote them) become constants: every pass after this rewrites parameters, so an override would not mean
 * what it meant.
 */
import type { Pass } from "@cupel/onnx";

export const detachParameters: Pass = {
  name: "detach-parameters",
  ensures: ["fixedConstants"],
  run(model) {
    const { inputs } = model.graph;
    const open = inputs.filter((value) => !value.constant);
    const closed = inputs.length - open.length;
    inputs.splice(0, inputs.length, ...open);
    return {
      modified: closed > 0,
      notes: closed ? [`took ${closed} parameters off the list of inputs`] : [],
    };
  },
};
