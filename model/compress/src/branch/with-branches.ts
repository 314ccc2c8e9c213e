/** The network as it is written: straight, or with the branches that let images take a shorter way. */
import { type Correspondence, type Model, sameValues } from "@cupel/onnx";
import { wireExit } from "../exits/wire-exit.ts";
import { wireGates } from "../gates/wire-gates.ts";
import type { State } from "../stage/stage.ts";

export interface WiredModel {
  readonly model: Model;
  /** From the straight model; what stands in a branch now has no counterpart. */
  readonly correspondence: Correspondence;
}

export function withBranches(straight: Model, state: Pick<State, "exit" | "gates">): WiredModel {
  const model = wired(straight, state);
  const stays = [...sameValues(straight.graph)].filter(([name]) => model.graph.value(name));
  return { model, correspondence: new Map(stays) };
}

function wired(straight: Model, { exit, gates }: Pick<State, "exit" | "gates">): Model {
  if (exit) return wireExit(straight, exit);
  return gates?.areWritten ? wireGates(straight, gates.gates, gates.point.thresholds).model : straight;
}
