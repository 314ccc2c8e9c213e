/** An independent graph over the same weights: edits to one never show in the other; tensors' bytes are shared. */
import { onnxErrors } from "./errors.ts";
import type { ExternalFiles } from "./external-data.ts";
import type { Model } from "./model.ts";
import { modelFromProto } from "./read.ts";
import type { TensorSource } from "./tensor.ts";
import { modelToProto } from "./to-proto.ts";

export function cloneModel(model: Model): Model {
  const sources = new Map<string, TensorSource>();
  const proto = modelToProto(model, (tensor) => {
    if (tensor.source.kind === "external") {
      const { location, offset } = tensor.source.place;
      sources.set(`${offset} ${location}`, tensor.source);
    }
    return "unchanged";
  });
  const files: ExternalFiles = {
    source(entries) {
      const found = sources.get(`${entries.get("offset") ?? 0} ${entries.get("location")}`);
      if (!found) throw onnxErrors.error("EXTERNAL_DATA_MISSING", "A cloned tensor lost its file.");
      return found;
    },
  };
  return modelFromProto(proto, files);
}
