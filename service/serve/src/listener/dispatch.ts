/** Each request goes to the first face that takes it. What no face takes is refused here, in the form of the faces. */
import type { Face, FaceRequest, FaceResponse } from "../core/face.ts";
import { pathOf, unknownRoute } from "../core/path-of.ts";
import { refuse } from "../core/send-answer.ts";

export type Dispatch = (request: FaceRequest, response: FaceResponse) => void;

/** @param failed told what a face threw out of `handle`: a defect, after which the connection goes on */
export function createDispatch(faces: readonly Face[], failed: (error: unknown) => void): Dispatch {
  return (request, response) => {
    try {
      const face = faces.find((each) => each.takes(request));
      if (face) face.handle(request, response);
      else refuse(unknownRoute(pathOf(request)), request, response);
    } catch (thrown) {
      failed(thrown);
      refuse(thrown, request, response);
    }
  };
}
