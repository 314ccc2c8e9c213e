/** Where the memory of a model is, as data of a report: weights, and activations by lifetime. Bytes. */
import { Type } from "typebox";
import { count, list, object, orNull, said, text } from "./schema-words.ts";

const plannedValue = object({
  name: text,
  bytes: Type.Integer(said("0 where it shares the memory of another.")),
  madeAt: Type.Integer({ minimum: 0, description: "Index into `nodes` of the one that makes it." }),
  lastReadAt: Type.Integer({
    minimum: 0,
    description: "Of the last that reads it; the number of nodes for an output.",
  }),
  in: orNull(
    object({ value: text, how: Type.Enum(["alias", "in place", "freed"]) }),
    "Whose memory it lies in; null for its own.",
  ),
});

export const memoryPlan = object(
  {
    storedBytes: Type.Integer(said("Weights as they lie in the files.")),
    foldedBytes: Type.Integer(said("Weights of the graph that the engine runs.")),
    packedBytes: Type.Integer(said("Of those, what its kernels copy into a form of their own.")),
    inputBytes: count,
    activationBytes: Type.Integer(said("Held at once by what the nodes of one run make, at most.")),
    neededBytes: Type.Integer(said("Of that, what some node still reads.")),
    loadingBytes: Type.Integer(said("Held at once while the model is loaded.")),
    runningBytes: Type.Integer(said("Held at once while it runs.")),
    nodes: list(
      object({ node: text, heldBytes: count, neededBytes: count }),
      said("Activations held while a node of the engine's graph runs, in the order of the run."),
    ),
    values: Type.Optional(list(plannedValue, said("What the nodes make, in their order."))),
    unsized: list(text, said("Values of unknown size, which count nothing.")),
  },
  "Where the memory is, predicted from the graph that the engine runs and from the sizes of one image; kernels' workspaces are not in it.",
);
