/** What a face is made from, and what the listener hands it: requests of Node's http or of its http2 in the same form. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { Instruments } from "../operations/instruments.ts";
import type { Admission } from "./admission.ts";
import type { InferenceService } from "./inference-service.ts";

export interface FaceOptions {
  readonly service: InferenceService;
  readonly admission: Admission;
  readonly instruments: Instruments;
  /** Bytes of a request after decompression, the same on every face. */
  readonly bodyLimit: number;
}

export type FaceRequest = IncomingMessage | Http2ServerRequest;
export type FaceResponse = ServerResponse | Http2ServerResponse;

export interface Face extends AsyncDisposable {
  /** Whether the request is one of this face, by its path and its content type. */
  takes(request: FaceRequest): boolean;
  /** Whether a request it takes may go on for as long as something moves on it. Absent: none may. */
  streams?(request: FaceRequest): boolean;
  handle(request: FaceRequest, response: FaceResponse): void;
  /** Whether the connection of a request it takes becomes its own; one that does not is handled. Absent: none does. */
  upgrades?(request: IncomingMessage): boolean;
  /** Of a request that it upgrades. @param head what the client sent after the request. Must not wait before it listens to errors of the socket */
  upgrade?(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** The server takes nothing new: what would go on for ever ends now, what was accepted is finished. Must not throw. */
  stop?(): void;
}
