/** What differs between the protocols that share handlers: a row each. The handlers are the library's. */
import type { ConnectError } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";

/** What the library's own error is told as; null: as it is. */
export type ErrorNaming = (error: ConnectError) => ConnectError | null;

export interface ProtocolForm {
  answer(
    handler: UniversalHandler,
    asked: UniversalServerRequest,
    naming: ErrorNaming,
  ): Promise<UniversalServerResponse>;
  /** Where there is no handler for the path. @param type the content type of the request, in lower case */
  refuse(error: ConnectError, type: string): UniversalServerResponse;
}
