/** The endpoints of a client: each with its face, its breaker and its measured round trip; probed as calls come. */
import { Breaker, type BreakerOptions } from "@cupel/base/portable";
import type { ClientObserver } from "./events.ts";
import type { Face } from "./faces/face.ts";
import { chooseEndpoint, type Standing } from "./policies/choose-endpoint.ts";
import { RoundTrip } from "./policies/round-trip.ts";
import type { Timing } from "./policies/timing.ts";

export interface EndpointOptions {
  /** "https://eu.example.com", where a path may follow that stands before those of the server. */
  readonly url: string;
  /** Endpoints of one region share its calls. Default: the endpoint is its own region. */
  readonly region?: string | undefined;
}

export interface Endpoint {
  readonly url: string;
  readonly region: string;
  readonly face: Face;
  readonly breaker: Breaker;
  readonly roundTrip: RoundTrip;
  /** As it was when last asked. */
  isReachable: boolean;
  inFlight: number;
}

export interface EndpointsOptions {
  readonly breaker: BreakerOptions;
  readonly probeIntervalMs: number;
  readonly timing: Timing;
  readonly observe: ClientObserver;
  openFace(url: string): Face;
}

/** A probe that takes longer found nobody, in ms. */
const probeTimeoutMs = 5_000;

export class Endpoints implements Disposable {
  readonly #all: readonly Endpoint[];
  readonly #options: EndpointsOptions;
  readonly #closing = new AbortController();
  #region: string | null = null;
  #probedAt = Number.NEGATIVE_INFINITY;
  #turn = 0;

  constructor(given: readonly EndpointOptions[], options: EndpointsOptions) {
    const { breaker, timing, observe } = options;
    this.#options = options;
    this.#all = given.map(({ url, region = url }) => ({
      url,
      region,
      face: options.openFace(url),
      breaker: new Breaker(breaker, timing.clock, (state) =>
        observe({ kind: "breaker", endpoint: url, state }),
      ),
      roundTrip: new RoundTrip(),
      isReachable: true,
      inFlight: 0,
    }));
  }

  /** Until a breaker lets a call through, in ms. */
  get retryAfterMs(): number {
    return Math.min(...this.#all.map(({ breaker }) => breaker.retryAfterMs));
  }

  /** Where the next try of a call goes: where its breaker admits calls, and before all where this one was not yet. @param tried of this call */
  choose(tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const admitting = this.#all.filter(({ breaker }) => breaker.admits);
    const fresh = admitting.filter((each) => !tried.has(each));
    // Equal ones take turns.
    const from = this.#turn++ % Math.max(1, this.#all.length);
    const order = [...this.#all.slice(from), ...this.#all.slice(0, from)];
    const candidates = fresh.length > 0 ? fresh : admitting;
    const standings = (this.#isMeasured ? order : this.#all)
      .filter((each) => candidates.includes(each))
      .map(standingOf);
    const chosen = chooseEndpoint(standings, this.#region)?.endpoint;
    if (chosen && tried.size === 0 && chosen.region !== this.#region) {
      const before = this.#region;
      this.#region = chosen.region;
      this.#options.observe({ kind: "region", region: chosen.region, before });
    }
    return chosen;
  }

  get #isMeasured(): boolean {
    return this.#all.some(({ roundTrip }) => roundTrip.ms !== null);
  }

  /**
   * Measures all round trips where that is due: before the first call, which waits for the first answer, and with the first
   * call after each interval, which does not wait. A client that nobody uses sends nothing. One endpoint needs no choice.
   */
  async measure(): Promise<void> {
    const { timing, probeIntervalMs } = this.#options;
    const now = timing.clock.monotonic();
    if (this.#all.length < 2 || now - this.#probedAt < probeIntervalMs) return;
    const isFirst = this.#probedAt === Number.NEGATIVE_INFINITY;
    this.#probedAt = now;
    const answers = this.#all.map((each) => this.#probe(each));
    const first = Promise.any(answers).catch(() => {});
    if (isFirst) await first;
  }

  async #probe(endpoint: Endpoint): Promise<void> {
    const { timing, observe } = this.#options;
    const over = new AbortController();
    const end = (reason: string) => over.abort(new DOMException("The probe is over.", reason));
    timing.wait(probeTimeoutMs, this.#closing.signal).then(
      () => end("TimeoutError"),
      () => end("AbortError"),
    );
    const ask = () => endpoint.face.live({ signal: over.signal, timeoutMs: probeTimeoutMs, headers: {} });
    try {
      // The first may make the connection; the second travels there and back once.
      await ask();
      const start = timing.clock.monotonic();
      await ask();
      const ms = timing.clock.monotonic() - start;
      endpoint.roundTrip.add(ms);
      endpoint.isReachable = true;
      observe({ kind: "probe", endpoint: endpoint.url, ms });
    } catch (thrown) {
      endpoint.isReachable = false;
      observe({ kind: "probe", endpoint: endpoint.url, ms: null });
      throw thrown;
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    for (const { face } of this.#all) face[Symbol.dispose]();
  }
}

function standingOf(endpoint: Endpoint): Standing & { readonly endpoint: Endpoint } {
  const { region, roundTrip, isReachable, inFlight } = endpoint;
  return { region, roundTripMs: roundTrip.ms, isReachable, inFlight, endpoint };
}
