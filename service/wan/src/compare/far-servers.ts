/** The servers at the far end of a link, one a mode of TLS, each started when it is first asked for. */

import type { TensorCall } from "../face/tensor-call.ts";
import { type CallerTls, makeTls, type ServerTls, type TlsMode } from "../face/tls-files.ts";
import type { Link } from "../link/measured-link.ts";
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
  /** By which the near end reaches it. */
  readonly url: string;
  readonly tls: CallerTls | undefined;
}

export class FarServers implements AsyncDisposable {
  readonly #link: Pick<Link, "far" | "reach">;
  readonly #start: StartServer;
  readonly #started = new Map<TlsMode, Promise<FarServer>>();

  constructor(link: Pick<Link, "far" | "reach">, start: StartServer) {
    this.#link = link;
    this.#start = start;
  }

  of(mode: TlsMode): Promise<FarServer> {
    const started = this.#started.get(mode) ?? this.#open(mode);
    this.#started.set(mode, started);
    return started;
  }

  async #open(mode: TlsMode): Promise<FarServer> {
    const { far } = this.#link;
    const made = mode === "off" ? null : makeTls(mode, far.address);
    const server = await this.#start(far, made?.server ?? null);
    return { server, url: await this.#link.reach(server.url), tls: made?.caller };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const started of await Promise.allSettled(this.#started.values()))
      if (started.status === "fulfilled") await started.value.server[Symbol.asyncDispose]();
  }
}
