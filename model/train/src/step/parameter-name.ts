/**
 * What the name of a constant tells of where it comes from. Exporters name a parameter after its place in the network
 * ("layer1.0.alpha", ".../ReadVariableOp:0") and number what they make themselves ("onnx::Mul_31", "val_12",
 * "/block/Constant_2_output_0"). Only for constants of which nothing else tells: see `parameters.ts`.
 */

/** Last parts of the names of what networks keep beside their parameters. */
const kept = /^(running_(mean|var)|inv_freq|attn_mask|mask|((image|pixel|input)_)?(mean|std|var))$/;

/** A number or tensor that was written into the code of the network, by `torch.onnx.export`. */
const literal = /(^|\/)Constant(_\d+)?_output_\d+$/;

/** By torch.onnx.export in both its forms, onnxscript, tf2onnx and paddle2onnx. */
const generated: readonly RegExp[] = [
  literal,
  /^onnx::/,
  /^(p2o|auto)\./,
  /(^|\.)const(ant)?(\.|_|$)/i,
  /^(_|val_|tmp|const|int64_|scalar_tensor|lift|c_lifted)/,
  /_(cast|default)(_\d+)?$/,
  /[_.]\d+$/,
  /^\d+$/,
];

/** The path of a module: PyTorch, paddle. */
const path = /^[A-Za-z_]\w*(\.\w+)+$/;
const bare = /^[A-Za-z]\w*$/;
/** TensorFlow reads a variable where others have a parameter. */
const variable = /\/ReadVariableOp(:\d+)?$/;

/** Whether an exporter names a parameter so. @param producer the tool that the file says made it */
export function isParameterName(name: string, producer: string): boolean {
  if (variable.test(name)) return true;
  if (isKeptName(name) || generated.some((pattern) => pattern.test(name))) return false;
  // Others, and people, give bare names to any constant.
  return path.test(name) || (producer === "pytorch" && bare.test(name));
}

/** Statistics, masks, frequencies, the means and deviations of images. */
export function isKeptName(name: string): boolean {
  return kept.test(name.slice(name.lastIndexOf(".") + 1));
}

export function isLiteralName(name: string): boolean {
  return literal.test(name);
}
