/** In which form a client of REST is answered. */
import { mediaType, preferredType } from "../http/content-type.ts";
import type { Exchange } from "./exchange.ts";

/** Whether the answer goes as CBOR: the client would rather have it, or sent it and says nothing. */
export function wantsCbor({ header }: Pick<Exchange, "header">): boolean {
  const isCbor = mediaType(header("content-type")) === "application/cbor";
  const [first, second] = ["application/json", "application/cbor"] as const;
  return preferredType(header("accept"), isCbor ? [second, first] : [first, second]) === second;
}
