/** What is sent to `/graphql`: JSON, or where there are images a form with them as files (graphql-multipart-request-spec). */
import type { InferenceRequest } from "../messages/inference.ts";
import type { WireImage, WirePredictRequest } from "../messages/prediction.ts";
import { tensorBytes } from "../messages/tensor-bytes.ts";
import { toBase64 } from "../rest/base64.ts";
import type { Body } from "../rest/inference-body.ts";
import { documents, type OperationName } from "./documents.ts";

/** GraphQL over HTTP: with this type an answer that is an error has the error's status. */
const accept = "application/graphql-response+json";

export function jsonBody(operation: OperationName, variables: object): Body {
  const text = JSON.stringify({ query: documents[operation], variables });
  return {
    headers: { accept, "content-type": "application/json" },
    bytes: new TextEncoder().encode(text),
  };
}

/** Tensors go as their bytes, which carry what lists do not: FP16, NaN, infinities. */
export function inferVariables({ model, version, id, inputs, outputs }: InferenceRequest): object {
  const sent = inputs.map((tensor) => {
    const { name, datatype, shape } = tensor;
    return { name, datatype, shape, base64: toBase64(tensorBytes(tensor)) };
  });
  return { model, version, id, inputs: sent, outputs };
}

export async function predictForm({ images, ...choices }: WirePredictRequest): Promise<Body> {
  const form = new FormData();
  const variables = { ...choices, images: images.map(imageVariable) };
  form.set("operations", JSON.stringify({ query: documents.predict, variables }));
  form.set(
    "map",
    JSON.stringify(Object.fromEntries(images.map((_, i) => [i, [`variables.images.${i}.upload`]]))),
  );
  for (const [i, { bytes }] of images.entries())
    form.set(String(i), new Blob([Uint8Array.from(bytes)]), "image");
  const whole = new Response(form);
  return {
    // A form is taken only with the header that no page can send unasked.
    headers: { accept, "content-type": whole.headers.get("content-type") ?? "", "cupel-csrf": "1" },
    bytes: new Uint8Array(await whole.arrayBuffer()),
  };
}

function imageVariable(image: WireImage): object {
  if (image.kind === "encoded") return { upload: null };
  const { kind, width, height } = image;
  return { upload: null, format: kind.toUpperCase(), width, height };
}
