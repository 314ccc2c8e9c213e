/** Recurrent layers: x [T, B, I] (or [B, T, I] with layout 1) and weights [D, gates x H, I]. */
import type { Dimension } from "../graph/index.ts";
import { ofRank } from "./dimension.ts";
import { type OperatorTable, operator, type Rule } from "./rule.ts";

const recurrent: Rule = (context) => {
  const { node } = context;
  const elementType = context.elementType(0);
  const [first = null, second = null] = ofRank(context, 0, 3);
  const directions = node.string("direction", "forward") === "bidirectional" ? 2 : 1;
  const held = node.attributes.get("hidden_size");
  const hidden: Dimension = held?.kind === "int" ? held.value : (context.shape(2)?.[2] ?? null);
  const batchFirst = node.int("layout", 0) === 1;
  const state = batchFirst ? [first, directions, hidden] : [directions, second, hidden];
  const sequence = batchFirst ? [first, second, directions, hidden] : [first, directions, second, hidden];
  return [
    { elementType, shape: sequence },
    { elementType, shape: state },
    { elementType, shape: state },
  ];
};

export const recurrenceOperators = {
  RNN: operator([3, 6], [0, 2], recurrent),
  GRU: operator([3, 6], [0, 2], recurrent),
  LSTM: operator([3, 8], [0, 3], recurrent),
} as const satisfies OperatorTable;
