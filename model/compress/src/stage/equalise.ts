/** Gives every channel between two layers the same range. */
import { followed, type Pass, runPasses, sameAs } from "@cupel/onnx";
import { equaliseLayers } from "../equalise/equalise-layers.ts";
import { defineStage, type Stage } from "./stage.ts";

export const equaliseStage: Stage<"equalise", Record<never, never>> = defineStage({
  name: "equalise",
  options: {},
  requires: ["clean"],
  async run(state) {
    let factors: ReadonlyMap<string, Float32Array> = new Map();
    const pass: Pass = {
      name: "equalise-layers",
      requires: ["fixedConstants", "ownParameters"],
      run({ graph }) {
        const found = equaliseLayers(graph);
        factors = found.factors;
        const notes = found.pairs > 0 ? [`equalised ${found.pairs} pairs of layers`] : [];
        return { modified: found.pairs > 0, notes };
      },
    };
    const { notes } = runPasses(state.model, [pass]);
    const scaled = new Map(
      Array.from(state.model.graph.values(), ({ name }) => [
        name,
        { ...sameAs(name), factors: factors.get(name) ?? null },
      ]),
    );
    return {
      ...state,
      correspondence: followed(state.correspondence, scaled),
      notes: [...state.notes, ...notes],
    };
  },
});
