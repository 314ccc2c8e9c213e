/** Problem details (RFC 9457), and the document that describes them all. */
import Type from "typebox";
import { text } from "./parts.ts";

export const problemSchemas = {
  OpenApi: Type.Object(
    { openapi: Type.String(), info: Type.Object({}), paths: Type.Object({}) },
    { description: "An OpenAPI 3.1 document." },
  ),
  Problem: Type.Object(
    {
      type: Type.String({ format: "uri", description: "A URN of the code." }),
      title: text("What the code means."),
      status: Type.Integer({ minimum: 400, maximum: 599 }),
      detail: text("What was wrong, where, and what to do."),
      instance: text("The path asked for."),
      code: Type.String({ examples: ["MODEL_UNKNOWN"], description: "Stable: match on this." }),
      retryable: Type.Boolean({ description: "Whether the same request may succeed later." }),
      error: text("The same as `detail`, for clients of the Open Inference Protocol."),
    },
    {
      description: "Problem details (RFC 9457). Further members by code, such as `limit` or `retryAfterMs`.",
    },
  ),
};
