/** Each request goes to the first face that takes it. What no face takes is refused here, in the form of the faces. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
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

/** Connections that stop to be HTTP/1.1 (RFC 9110, section 7.8). A request whose upgrade nobody wants is a request. */
export interface Upgrades {
  wants(request: IncomingMessage): boolean;
  take(request: IncomingMessage, socket: Socket, head: Buffer): void;
}

export function createUpgrades(faces: readonly Face[], failed: (error: unknown) => void): Upgrades {
  const faceOf = (request: IncomingMessage) => faces.find((each) => each.takes(request));
  return {
    wants(request) {
      try {
        return faceOf(request)?.upgrades?.(request) ?? false;
      } catch (thrown) {
        failed(thrown);
        return false;
      }
    },
    take(request, socket, head) {
      try {
        faceOf(request)?.upgrade?.(request, socket, head);
      } catch (thrown) {
        failed(thrown);
        socket.destroy();
      }
    },
  };
}
