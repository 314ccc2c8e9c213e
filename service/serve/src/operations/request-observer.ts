/** Who is told of every request once it is over, by the door. */
import type { CupelError } from "@cupel/base";
import type { Arrival } from "../core/admission.ts";
import type { Call } from "../core/call.ts";

export interface RequestObserver {
  /**
   * The call was disposed. Must not throw. @param elapsedMs from the request's arrival. @param failure what the face
   * answered with where no method of the service threw it; null otherwise
   */
  answered(arrival: Arrival, call: Call, elapsedMs: number, failure: CupelError | null): void;
  /** At the door: no call was made of it. The refusal waits for what this returns. */
  refused(arrival: Arrival, error: CupelError, elapsedMs: number): Promise<void> | void;
}
