/** Lists of elements, flat or nested as a shape says, become one list in row-major order. */
import { runtimeErrors } from "@cupel/runtime";
import type { TensorHead } from "../core/tensor-head.ts";

/** @param elements as many as the shape has. @throws INPUT_SHAPE_MISMATCH */
export function flatten(values: readonly unknown[], head: TensorHead, elements: number): readonly unknown[] {
  const { shape } = head;
  if (shape.length < 2 || !Array.isArray(values[0])) {
    if (values.length === elements) return values;
    throw mismatch(head, elements, `${values.length} were sent`);
  }
  const flat: unknown[] = [];
  const visit = (list: readonly unknown[], axis: number): void => {
    if (list.length !== shape[axis]) {
      throw mismatch(head, elements, `a list of dimension ${axis} has ${list.length} entries`);
    }
    if (axis === shape.length - 1) {
      for (const value of list) flat.push(value);
      return;
    }
    for (const each of list) {
      if (!Array.isArray(each)) throw mismatch(head, elements, "the lists nest less deep than the shape");
      visit(each, axis + 1);
    }
  };
  visit(values, 0);
  return flat;
}

/** @param what is wrong, such as "9 were sent" */
export function mismatch({ name, shape }: TensorHead, elements: number, what: string): Error {
  const takes = `The input "${name}" of shape [${shape.join(", ")}] takes ${elements} elements`;
  return runtimeErrors.error("INPUT_SHAPE_MISMATCH", `${takes}; ${what}.`, {
    details: { input: name, shape, elements },
  });
}
