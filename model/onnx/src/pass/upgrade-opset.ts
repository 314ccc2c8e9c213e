/**
 * Writes a model in a newer version of the standard operator set, one version after the other, as the table
 * of operator changes says. The graph computes the same; operators of other domains are left as they are. Poolings that
 * the newer sets have a wrong shape for are written otherwise (`settle-windows.ts`).
 */

import { clone } from "@bufbuild/protobuf";
import { own } from "@cupel/base";
import { assertOpset } from "../analyse/requirements.ts";
import { onnxErrors } from "../errors.ts";
import { type FunctionProto, FunctionProtoSchema, type NodeProto } from "../gen/onnx_pb.ts";
import { cloneModel, type Graph, type Model, subgraphsOf } from "../graph/index.ts";
import { propagate } from "../infer/propagate.ts";
import { operatorChanges } from "./operator-changes.ts";
import type { Pass } from "./pass.ts";
import { settleWindows } from "./settle-windows.ts";

/** The newest operator set that models are written in. */
const newestWritten = 18;

/** Operator sets 15 to 18 came with this version of the file format; constants need no longer be inputs. */
const irVersion = 8;

/**
 * Models of that version or a newer one keep their set.
 * @param version 8 to 18. Default 18.
 * @throws OPSET_UNSUPPORTED. The pass throws it too, before anything changed, for a model older than 7, and for
 * a node or a function of the model that cannot be written in the newer set, by name; and SHAPE_CONFLICT.
 */
export function upgradeOpset(version = newestWritten): Pass {
  if (version > newestWritten) {
    throw onnxErrors.error(
      "OPSET_UNSUPPORTED",
      `Models are brought up to operator set ${newestWritten}, not ${version}.`,
    );
  }
  return {
    name: "upgrade-opset",
    ensures: [{ opset: version }],
    run(model) {
      assertOpset(model);
      const from = model.opset;
      if (from >= version) return settleWindows.run(model);
      // What is refused is refused by the copy.
      upgrade(cloneModel(model), version);
      upgrade(model, version);
      return {
        modified: true,
        notes: [`operator set ${from} became ${version}`, ...settleWindows.run(model).notes],
      };
    },
  };
}

function upgrade(model: Model, version: number): void {
  const { types } = propagate(model, { elementLimit: 1024, trustDefaults: true, unpacks: false });
  const rewrite = (graph: Graph, set: number): void => {
    for (const node of graph.nodes) {
      for (const body of subgraphsOf(node)) rewrite(body, set);
      const change = node.isStandard ? own(operatorChanges[set] ?? {}, node.opType) : undefined;
      if (!change) continue;
      // Of an operator that the set does not have, nobody checked what it needs.
      if (node.inputs[0] === null) throw refused(node.label, set, "its first input is blank");
      change({
        graph,
        node,
        typeOf: (value) => types.get(value) ?? value.type,
        refuse: (reason) => refused(node.label, set, reason),
      });
    }
  };
  for (let set = model.opset + 1; set <= version; set++) rewrite(model.graph, set);
  model.functions.splice(0, model.functions.length, ...model.functions.map((each) => carried(each, version)));
  model.opset = version;
  model.irVersion = Math.max(model.irVersion, irVersion);
}

/** A function of which no operator changed, with the newer operator set. It may import one of its own. */
function carried(held: FunctionProto, version: number): FunctionProto {
  const result = clone(FunctionProtoSchema, held);
  for (const each of result.opsetImport.filter(({ domain }) => isStandard(domain))) {
    for (let set = Number(each.version) + 1; set <= version; set++) {
      const changed = nodesOf(held.node).find(
        (node) => isStandard(node.domain) && own(operatorChanges[set] ?? {}, node.opType),
      );
      if (changed) throw refused(`The function "${held.name}"`, set, `its ${changed.opType} would change`);
    }
    if (each.version < version) each.version = BigInt(version);
  }
  return result;
}

const isStandard = (domain: string): boolean => domain === "" || domain === "ai.onnx";

/** Those of bodies included. */
function nodesOf(nodes: readonly NodeProto[]): readonly NodeProto[] {
  return nodes.flatMap((node) => [
    node,
    ...node.attribute.flatMap(({ g, graphs }) =>
      [...(g ? [g] : []), ...graphs].flatMap((body) => nodesOf(body.node)),
    ),
  ]);
}

function refused(what: string, set: number, reason: string) {
  return onnxErrors.error(
    "OPSET_UNSUPPORTED",
    `${what} cannot be brought to operator set ${set}: ${reason}. Export the model with a newer operator set.`,
    { details: { what, set } },
  );
}
