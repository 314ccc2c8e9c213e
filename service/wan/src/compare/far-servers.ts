/** The servers at the far end of a link, one a mode of TLS, each started when it is first asked for. */

import type { TensorCall } from "../face/tensor-call.ts";
import { type CallerTls, makeTls, type ServerTls, type TlsMode } from "../face/tls-files.ts";
import type { Place } from "../link/place.ts";

/** A server that whoever compares started. */
export interface ComparedServer extends AsyncDisposable {
  /** "http://192.0.2.2:8080" */
  readonly url: string;
  readonly pid: number;
  readonly call: Omit<TensorCall, "bytes">;
}

/** @param tls null: cleartext */
export type StartServer = (place: Place, tls: ServerTls | null) => Promise<ComparedServer>;

export interface FarServer {
  readonly server: ComparedServer;
  readonly tls: CallerTls | undefined;
}

export class FarServers implements AsyncDisposable {
  readonly #place: Place;
  readonly #start: StartServer;
  readonly #started = new Map<TlsMode, Promise<FarServer>>();

  constructor(place: Place, start: StartServer) {
    this.#place = place;
    this.#start = start;
  }

  of(mode: TlsMode): Promise<FarServer> {
    const started = this.#started.get(mode) ?? this.#open(mode);
    this.#started.set(mode, started);
    return started;
  }

  async #open(mode: TlsMode): Promise<FarServer> {
    if (mode === "off") return { server: await this.#start(this.#place, null), tls: undefined };
    const { server, caller } = makeTls(mode, this.#place.address);
    return { server: await this.#start(this.#place, server), tls: caller };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const started of await Promise.allSettled(this.#started.values()))
      if (started.status === "fulfilled") await started.value.server[Symbol.asyncDispose]();
  }
}
