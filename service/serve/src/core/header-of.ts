/** A header of a request by its lower-case name; what came more than once is a list, as RFC 9110 (section 5.3) has it. */
import { own } from "@cupel/base";
import type { FaceRequest } from "./face.ts";

export function headerOf({ headers }: FaceRequest, name: string): string | undefined {
  const value = own(headers, name);
  return Array.isArray(value) ? value.join(", ") : value;
}
