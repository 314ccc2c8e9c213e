/** The door of every face: who is it, may it come in now, and until when does it wait? */
import type { Call, FaceName } from "./call.ts";

/** A request as it arrives, before anybody looked at its body. */
export interface Arrival {
  readonly face: FaceName;
  /** What is asked for, as metrics name it: "infer", "load", "metadata" ... */
  readonly action: string;
  /** By lower-case name: credentials and the trace's context are read from here. */
  header(name: string): string | undefined;
  readonly peer: Peer;
  /** Fires when the client has left. */
  readonly left: AbortSignal;
  /** How long the client waits, from now; absent where it did not say. */
  readonly timeoutMs?: number | undefined;
}

export interface Peer {
  /** "" where unknown. */
  readonly address: string;
  /** Of a client certificate that was verified: its subject's common name. */
  readonly certificate?: string | undefined;
}

/** A call that was let in. Dispose it when it is answered, whatever the answer. */
export interface AdmittedCall extends Call, Disposable {
  /**
   * Tells the record of an error that a face answers with and no method of the service threw: a body that does not
   * parse, an answer that cannot be written. Call it before the call is disposed.
   */
  failed?(error: unknown): void;
  /**
   * A part of the call with times and a record of its own, where one request asks for several things. The first is what the
   * request was let in for; each further one counts against the rate of the caller. Dispose it when it is answered.
   * @throws RATE_LIMIT
   */
  part(action: string): AdmittedCall;
}

export interface Admission {
  /** @throws AUTH_REQUIRED, RATE_LIMIT, SERVER_STOPPING ... nothing of the body need be read then */
  admit(arrival: Arrival): Promise<AdmittedCall>;
}
