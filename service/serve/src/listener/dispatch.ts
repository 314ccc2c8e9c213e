/** Each request goes to the first face that takes it. What no face takes is answered here, as RFC 9457 has it. */
import type { Face, FaceRequest, FaceResponse } from "../core/face.ts";
import { serveErrors } from "../errors.ts";

export type Dispatch = (request: FaceRequest, response: FaceResponse) => void;

/** @param failed told what a face threw out of `handle`: a defect, after which the connection goes on */
export function createDispatch(faces: readonly Face[], failed: (error: unknown) => void): Dispatch {
  return (request, response) => {
    try {
      const face = faces.find((each) => each.takes(request));
      if (face) face.handle(request, response);
      else answer(response, serveErrors.specs.ROUTE_UNKNOWN.http, "ROUTE_UNKNOWN");
    } catch (thrown) {
      failed(thrown);
      if (response.headersSent) response.destroy();
      else answer(response, 500, "INTERNAL");
    }
  };
}

const titles = {
  ROUTE_UNKNOWN: serveErrors.specs.ROUTE_UNKNOWN.meaning,
  INTERNAL: "A defect in the server.",
};

function answer(response: FaceResponse, status: number, code: keyof typeof titles): void {
  const body = JSON.stringify({ type: "about:blank", title: titles[code], status, code });
  response.statusCode = status;
  response.setHeader("content-type", "application/problem+json");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}
