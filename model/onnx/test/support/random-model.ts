/**
 * Random ONNX files for property tests: valid protobuf with everything the format allows in places Cupel
 * reads, in no way a model that would run. Unknown fields are among them, as a newer ONNX would write.
 */
import { create, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "../../src/gen/onnx_pb.ts";
import { byteLengthOf, elementTypeOf } from "../../src/graph/element-type.ts";

const text = fc.string({ maxLength: 6 });
const size = fc.integer({ min: 0, max: 4 });

/** Adds a field of a number ONNX does not use, behind all others, as protobuf keeps what it does not know. */
function withUnknown<Kind extends Message>(message: Kind, bytes: Uint8Array | null): Kind {
  if (bytes) {
    // Length-delimited, the length first.
    message.$unknown = [{ no: 4242, wireType: 2, data: Uint8Array.of(bytes.byteLength, ...bytes) }];
  }
  return message;
}

const unknown = fc.option(fc.uint8Array({ maxLength: 20 }), { freq: 3 });

const entry = fc
  .record({ key: text, value: text })
  .map((fields) => create(StringStringEntryProtoSchema, fields));

/** Every element type, as raw bytes or in its typed field. */
export function tensor(name: string): fc.Arbitrary<TensorProto> {
  return fc
    .record({
      code: fc.integer({ min: 1, max: 26 }),
      dims: fc.array(size, { maxLength: 3 }),
      raw: fc.boolean(),
      seed: fc.uint8Array({ minLength: 1, maxLength: 16 }),
      doc: fc.option(text),
      unknown,
    })
    .map(({ code, dims, raw, seed, doc, unknown: extra }) => {
      const type = elementTypeOf(code)!;
      const count = dims.reduce((product, dim) => product * dim, 1);
      const bytes = Uint8Array.from({ length: byteLengthOf(type, count) }, (_, i) => seed[i % seed.length]!);
      const proto = create(TensorProtoSchema, {
        name,
        dataType: code,
        dims: dims.map(BigInt),
        ...(doc === null ? {} : { docString: doc }),
      });
      if (type === "string") proto.stringData = Array.from({ length: count }, () => seed);
      else if (raw) proto.rawData = bytes;
      else fillTyped(proto, bytes);
      return withUnknown(proto, extra);
    });
}

function fillTyped(proto: TensorProto, bytes: Uint8Array): void {
  const type = elementTypeOf(proto.dataType);
  const view = new DataView(bytes.buffer);
  const each = (width: number) => Array.from({ length: bytes.byteLength / width }, (_, i) => i * width);
  switch (type) {
    case "float32":
    case "complex64":
      proto.floatData = each(4).map((at) => view.getFloat32(at, true));
      break;
    case "float64":
    case "complex128":
      proto.doubleData = each(8).map((at) => view.getFloat64(at, true));
      break;
    case "int64":
      proto.int64Data = each(8).map((at) => view.getBigInt64(at, true));
      break;
    case "uint64":
      proto.uint64Data = each(8).map((at) => view.getBigUint64(at, true));
      break;
    case "uint32":
      proto.uint64Data = each(4).map((at) => BigInt(view.getUint32(at, true)));
      break;
    case "int32":
      proto.int32Data = each(4).map((at) => view.getInt32(at, true));
      break;
    case "int16":
    case "uint16":
    case "float16":
    case "bfloat16":
      proto.int32Data = each(2).map((at) => view.getUint16(at, true));
      break;
    default:
      proto.int32Data = [...bytes];
  }
}

const dimension = fc.oneof(
  size.map((value) => ({ value: { case: "dimValue" as const, value: BigInt(value) } })),
  fc.constant({ value: { case: "dimValue" as const, value: -1n } }),
  fc.constantFrom("N", "seq", "?").map((value) => ({ value: { case: "dimParam" as const, value } })),
  fc.constant({}),
);

const type = fc.oneof(
  fc
    .record({
      elemType: fc.integer({ min: 1, max: 26 }),
      shape: fc.option(fc.array(dimension, { maxLength: 4 })),
    })
    .map(({ elemType, shape }) =>
      create(TypeProtoSchema, {
        value: { case: "tensorType", value: { elemType, ...(shape ? { shape: { dim: shape } } : {}) } },
      }),
    ),
  fc.constant(null).map(() =>
    create(TypeProtoSchema, {
      value: { case: "sequenceType", value: { elemType: create(TypeProtoSchema, { denotation: "IMAGE" }) } },
    }),
  ),
);

function valueInfo(name: string) {
  return fc
    .record({
      type: fc.option(type, { freq: 4 }),
      doc: fc.option(text),
      metadata: fc.array(entry, { maxLength: 1 }),
      unknown,
    })
    .map(({ type: held, doc, metadata, unknown: extra }) =>
      withUnknown(
        create(ValueInfoProtoSchema, {
          name,
          metadataProps: metadata,
          ...(held ? { type: held } : {}),
          ...(doc === null ? {} : { docString: doc }),
        }),
        extra,
      ),
    );
}

const float = fc.float({ noNaN: true });
const int = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 5 });

/** Attributes of every kind but graphs, which are made where their scope is known. */
const attribute = fc.oneof(
  float.map((f) => ({ name: "f", type: 1, f })),
  int.map((i) => ({ name: "i", type: 2, i })),
  bytes.map((s) => ({ name: "s", type: 3, s })),
  tensor("").map((t) => ({ name: "t", type: 4, t })),
  fc.array(float, { maxLength: 3 }).map((floats) => ({ name: "floats", type: 6, floats })),
  fc.array(int, { maxLength: 3 }).map((ints) => ({ name: "ints", type: 7, ints })),
  fc.array(bytes, { maxLength: 3 }).map((strings) => ({ name: "strings", type: 8, strings })),
  fc.array(tensor(""), { maxLength: 2 }).map((tensors) => ({ name: "tensors", type: 9, tensors })),
  type.map((tp) => ({ name: "tp", type: 13, tp })),
  fc.constant({ name: "r", type: 1, refAttrName: "outer" }),
);

/**
 * A graph whose nodes read what was made before: inputs, constants, earlier outputs, outer values, nothing.
 * @param prefix makes names unique through all nested graphs
 */
function graph(
  prefix: string,
  outer: readonly string[],
  depth: number,
): fc.Arbitrary<ReturnType<typeof makeGraph>> {
  const inputs = [`${prefix}in0`, `${prefix}in1`];
  const constants = [`${prefix}c0`, `${prefix}c1`];
  const sparse = `${prefix}sparse`;
  const readable = [...outer, ...inputs, ...constants, sparse, ""];
  const nodes = Array.from({ length: 4 }, (_, i) => {
    const made = `${prefix}v${i}`;
    const before = Array.from({ length: i }, (_, j) => `${prefix}v${j}`);
    const body =
      depth > 0
        ? fc.option(graph(`${made}.`, [...readable, ...before], depth - 1), { freq: 2 })
        : fc.constant(null);
    return fc.record({
      name: text,
      opType: fc.constantFrom("Conv", "Add", "If", "Loop", "Mystery"),
      domain: fc.constantFrom("", "ai.onnx", "com.example"),
      input: fc.array(fc.constantFrom(...readable, ...before), { maxLength: 4 }),
      output: fc.constantFrom<string[]>([made], [made, ""], ["", made], [made, `${made}b`]),
      attribute: fc.uniqueArray(attribute, { maxLength: 3, selector: (each) => each.name }),
      body,
      metadata: fc.array(entry, { maxLength: 1 }),
      unknown,
    });
  });
  return fc
    .record({
      nodes: fc.tuple(...nodes),
      constants: fc.tuple(...constants.map(tensor)),
      sparse: tensor(sparse),
      inputs: fc.tuple(...inputs.map(valueInfo)),
      // An initialiser may be an input as well (before IR 4 all were).
      isDefault: fc.boolean(),
      default: valueInfo(constants[0]!),
      outputs: fc.tuple(valueInfo(`${prefix}v3`), valueInfo(`${prefix}v1`)),
      infos: fc.tuple(valueInfo(`${prefix}v0`), valueInfo(`${prefix}v3`), valueInfo(`${prefix}nothing`)),
      infoCount: fc.integer({ min: 0, max: 3 }),
      doc: fc.option(text),
      unknown,
    })
    .map((parts) => makeGraph(prefix, parts));
}

interface GraphParts {
  readonly nodes: readonly {
    readonly attribute: readonly object[];
    readonly body: ReturnType<typeof makeGraph> | null;
    readonly metadata: ReturnType<typeof makeEntry>[];
    readonly unknown: Uint8Array | null;
    readonly name: string;
    readonly opType: string;
    readonly domain: string;
    readonly input: string[];
    readonly output: string[];
  }[];
  readonly constants: TensorProto[];
  readonly sparse: TensorProto;
  readonly inputs: ReturnType<typeof makeInfo>[];
  readonly isDefault: boolean;
  readonly default: ReturnType<typeof makeInfo>;
  readonly outputs: ReturnType<typeof makeInfo>[];
  readonly infos: ReturnType<typeof makeInfo>[];
  readonly infoCount: number;
  readonly doc: string | null;
  readonly unknown: Uint8Array | null;
}

const makeEntry = () => create(StringStringEntryProtoSchema);
const makeInfo = () => create(ValueInfoProtoSchema);

function makeGraph(prefix: string, parts: GraphParts) {
  const proto = create(GraphProtoSchema, {
    name: `${prefix}graph`,
    initializer: parts.constants,
    sparseInitializer: [create(SparseTensorProtoSchema, { values: parts.sparse, dims: [7n] })],
    input: [...parts.inputs, ...(parts.isDefault ? [parts.default] : [])],
    output: parts.outputs,
    valueInfo: parts.infos.slice(0, parts.infoCount),
    ...(parts.doc === null ? {} : { docString: parts.doc }),
  });
  proto.node = parts.nodes.map((node) => {
    const held = node.attribute.map((fields) => create(AttributeProtoSchema, fields));
    if (node.body) held.push(create(AttributeProtoSchema, { name: "body", type: 5, g: node.body }));
    return withUnknown(
      create(NodeProtoSchema, {
        name: node.name,
        opType: node.opType,
        domain: node.domain,
        input: node.input,
        output: node.output,
        attribute: held,
        metadataProps: node.metadata,
      }),
      node.unknown,
    );
  });
  return withUnknown(proto, parts.unknown);
}

const localFunction = fc.record({ name: text, docString: text }).map((fields) =>
  create(FunctionProtoSchema, {
    ...fields,
    domain: "com.example",
    input: ["a"],
    output: ["b"],
    node: [create(NodeProtoSchema, { opType: "Relu", input: ["a"], output: ["b"] })],
  }),
);

/** The bytes of a random model file. */
export const modelBytes: fc.Arbitrary<Uint8Array> = fc
  .record({
    graph: graph("", [], 1),
    ir: fc.integer({ min: 3, max: 14 }),
    opset: fc.integer({ min: 7, max: 28 }),
    producer: fc.option(text),
    metadata: fc.uniqueArray(entry, { maxLength: 2, selector: (each) => each.key }),
    functions: fc.array(localFunction, { maxLength: 1 }),
    unknown,
  })
  .map(({ graph: held, ir, opset, producer, metadata, functions, unknown: extra }) =>
    toBinary(
      ModelProtoSchema,
      withUnknown(
        create(ModelProtoSchema, {
          irVersion: BigInt(ir),
          graph: held,
          opsetImport: [
            { domain: "", version: BigInt(opset) },
            { domain: "com.example", version: 1n },
          ],
          metadataProps: metadata,
          functions,
          ...(producer === null ? {} : { producerName: producer }),
        }),
        extra,
      ),
    ),
  );
