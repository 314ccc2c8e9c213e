/**
 * Parameters and inputs by a formula that is easy to repeat elsewhere: fixtures/make_fixtures.py has the
 * same, and so fixtures need to hold results only.
 */
import { type Model, Tensor } from "@cupel/onnx";

/** Low-discrepancy numbers in centre ± spread, another sequence for each name. */
export function formulaTensor(name: string, dims: readonly number[], centre: number, spread: number): Tensor {
  const sum = Buffer.from(name).reduce((total, code, index) => total + (index + 1) * code, 0);
  const start = sum * 0.7548776662466927;
  const count = dims.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, (_, index) => {
    const fraction = ((index + 1) * 0.6180339887498949 + start) % 1;
    return centre + spread * (2 * fraction - 1);
  });
  return Tensor.float32(dims, values);
}

/** For a parameter of that name: weights in He's range, scales and variances around 1, the rest around 0. */
export function formulaParameter(name: string, dims: readonly number[]): Tensor {
  if (/\.weight$/.test(name) && dims.length > 1) {
    const fanIn = dims.slice(1).reduce((product, size) => product * size, 1);
    return formulaTensor(name, dims, 0, Math.sqrt(6 / fanIn));
  }
  const isAroundOne = /\.(weight|running_var)$/.test(name);
  return isAroundOne ? formulaTensor(name, dims, 1, 0.5) : formulaTensor(name, dims, 0, 0.2);
}

/** Gives every parameter of the model its value by formula, and returns their names. */
export function setFormulaParameters(model: Model): string[] {
  const parameters = [...model.graph.initializers].filter((value) =>
    /\.(weight|bias|running_mean|running_var)$/.test(value.name),
  );
  for (const value of parameters) {
    model.graph.setConstant(value, formulaParameter(value.name, value.constant!.dims));
  }
  return parameters.map((value) => value.name);
}
