/**
 * What layers take on a machine, by width: measured points, and what lies between. A table is data: saved as JSON and
 * given again, it makes the same choices anywhere.
 *
 * A dense layer's time is near a i o + b i + c o + d for i inputs and o outputs, which linear interpolation along both
 * axes follows exactly within a cell of the grid; what kernels gain at some widths shows at the points.
 */
import { type Static, Type } from "typebox";
import { Check, Errors } from "typebox/value";
import { compressErrors } from "../errors.ts";
import { curveKey, type LayerShape } from "./layer-shape.ts";

const count = Type.Integer({ minimum: 1 });
const counts = Type.Array(Type.Integer({ minimum: 0 }));

const layerSchema = Type.Object(
  {
    operator: Type.Enum(["Conv", "Gemm"]),
    form: Type.Enum(["float32", "int8"]),
    inputs: count,
    outputs: count,
    groups: Type.Union([count, Type.Literal("each")]),
    size: counts,
    kernel: counts,
    strides: counts,
    dilations: counts,
    pads: counts,
    ms: Type.Number({ minimum: 0 }),
  },
  { additionalProperties: false },
);

/** The table as a document. */
export const latencyTableSchema = Type.Object(
  {
    format: Type.Literal("cupel-latency/1"),
    /** Of the engine's, while it was measured. */
    threads: count,
    engine: Type.String(),
    cpu: Type.String(),
    layers: Type.Array(layerSchema),
    /** What is no layer, of the network that was measured whole. */
    rest: Type.Object({ ms: Type.Number({ minimum: 0 }), elements: Type.Number({ minimum: 0 }) }),
  },
  { additionalProperties: false },
);

export type LatencyTable = Static<typeof latencyTableSchema>;

/** @param where the file, for messages. @throws LATENCY_TABLE_INVALID */
export function parseLatencyTable(json: unknown, where: string): LatencyTable {
  if (Check(latencyTableSchema, json)) return json;
  const [first] = Errors(latencyTableSchema, json);
  throw compressErrors.error(
    "LATENCY_TABLE_INVALID",
    `${where} is no table of layer times: ${first ? `${first.instancePath || "it"} ${first.message}` : "it has another form"}. Measure it again.`,
  );
}

interface Curve {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** By inputs and outputs: "64 128". */
  readonly ms: ReadonlyMap<string, number>;
}

/** Looks layers up; one that the table has at no width is `null`. */
export function openTable(table: LatencyTable): (shape: LayerShape) => number | null {
  const points = Map.groupBy(table.layers, curveKey);
  const curves = new Map([...points].map(([key, layers]) => [key, curveOf(layers)]));
  return (shape) => {
    const curve = curves.get(curveKey(shape));
    return curve ? between(curve, shape) : null;
  };
}

function curveOf(layers: LatencyTable["layers"]): Curve {
  const widths = (of: "inputs" | "outputs") =>
    [...new Set(layers.map((layer) => layer[of]))].sort((a, b) => a - b);
  return {
    inputs: widths("inputs"),
    outputs: widths("outputs"),
    ms: new Map(layers.map(({ inputs, outputs, ms }) => [`${inputs} ${outputs}`, ms])),
  };
}

/** Null where a corner of the cell was not measured. Beyond the grid the line of its last cell goes on, down to 0. */
function between({ inputs, outputs, ms }: Curve, shape: LayerShape): number | null {
  const exact = ms.get(`${shape.inputs} ${shape.outputs}`);
  if (exact !== undefined) return exact;
  const [i0, i1, alongInputs] = cellOf(inputs, shape.inputs);
  const [o0, o1, alongOutputs] = cellOf(outputs, shape.outputs);
  const at = (i: number, o: number) => ms.get(`${i} ${o}`) ?? Number.NaN;
  const low = at(i0, o0) + alongOutputs * (at(i0, o1) - at(i0, o0));
  const high = at(i1, o0) + alongOutputs * (at(i1, o1) - at(i1, o0));
  const found = low + alongInputs * (high - low);
  return Number.isNaN(found) ? null : Math.max(0, found);
}

/** The two widths around one, and how far it is from the first to the second. */
function cellOf(widths: readonly number[], width: number): readonly [number, number, number] {
  if (widths.length === 1) return [widths[0]!, widths[0]!, 0];
  const above = widths.findIndex((each) => each >= width);
  const upper = above < 0 ? widths.length - 1 : Math.max(1, above);
  const [low, high] = [widths[upper - 1]!, widths[upper]!];
  return [low, high, (width - low) / (high - low)];
}
