/**
 * A pass-through for TCP that makes bytes late, in order, by the delay law of each direction. It is no link: the connections
 * on its two sides are the machine's own, and lose nothing, wait for no rate and know no long round trip in their congestion
 * control. What it keeps of a link is that no byte is there sooner than the law has it, and that a connection carries its
 * first byte a round trip after it was asked for, as the handshake of TCP has it.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { wanErrors } from "../errors.ts";
import { Direction, type DirectionSpec, flowBits } from "./direction.ts";
import type { LinkSpec } from "./emulated-link.ts";
import { thisMachine } from "./place.ts";

export interface TcpDelayOptions {
  /** Of each direction the delay and its jitter; nothing else of it. */
  readonly spec: LinkSpec;
  /** Where connections go on to. */
  readonly host: string;
  readonly port: number;
  readonly seed: number;
}

export interface TcpDelay extends AsyncDisposable {
  /** Of this machine's own address, where it is reached. */
  readonly port: number;
  /** That were made so far. */
  readonly connections: number;
}

/** What is left of a direction. */
export function delayAlone({ delay }: DirectionSpec): DirectionSpec {
  return { delay, loss: { kind: "none" }, rate: null, queueBytes: null, reorders: false };
}

/** @throws LINK_FAILED */
export async function openTcpDelay({ spec, host, port, seed }: TcpDelayOptions): Promise<TcpDelay> {
  const toFar = new Direction(delayAlone(spec.toFar), seed);
  const toNear = new Direction(delayAlone(spec.toNear), seed + 2);
  const passing = new Set<Passing>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (near) => {
    const flow = connections++ % (1 << flowBits);
    const passed = new Passing(near, { toFar, toNear, flow, host, port }, () => passing.delete(passed));
    passing.add(passed);
  });
  try {
    server.listen(0, thisMachine.address);
    await once(server, "listening");
  } catch (cause) {
    throw wanErrors.error("LINK_FAILED", `No port of this machine could be listened on: ${String(cause)}`, {
      cause,
    });
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const each of passing) each.end();
      await closed;
    },
  };
}

interface Way {
  readonly toFar: Direction;
  readonly toNear: Direction;
  readonly flow: number;
  readonly host: string;
  readonly port: number;
}

/** Bytes, or what else becomes of a connection: each is as late as the direction has it. */
type Passed = Buffer | "shake" | "dial" | "end" | "reset";

/** One connection, from when it was accepted. */
class Passing {
  readonly #near: Socket;
  readonly #way: Way;
  readonly #toFar: Late;
  readonly #toNear: Late;
  readonly #over: () => void;
  #far: Socket | null = null;

  constructor(near: Socket, way: Way, over: () => void) {
    this.#near = near;
    this.#way = way;
    this.#over = over;
    this.#toFar = new Late(way.toFar, way.flow, (passed) => this.#atFar(passed));
    this.#toNear = new Late(way.toNear, way.flow, (passed) => this.#atNear(passed));
    near.on("error", () => {});
    near.on("close", () => this.#closed());
    this.#toFar.admit("shake");
  }

  /** The third packet of the handshake brings the connection to the far end; the first bytes travel with it. */
  #atFar(passed: Passed): void {
    if (passed === "shake") this.#toNear.admit("shake");
    else if (passed === "dial") this.#dial();
    else hand(passed, this.#near, this.#far);
  }

  #atNear(passed: Passed): void {
    if (passed === "shake") {
      this.#toFar.admit("dial");
      carry(this.#near, this.#toFar);
    } else hand(passed, this.#far, this.#near);
  }

  #dial(): void {
    const { host, port } = this.#way;
    const far = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#far = far;
    far.on("close", () => this.#closed());
    carry(far, this.#toNear);
  }

  #closed(): void {
    if (this.#near.closed && this.#far?.closed !== false && this.#toFar.isEmpty) this.end();
  }

  end(): void {
    for (const way of [this.#toFar, this.#toNear]) way[Symbol.dispose]();
    this.#near.destroy();
    this.#far?.destroy();
    this.#over();
  }
}

function carry(from: Socket, way: Late): void {
  from.on("data", (bytes: Buffer) => way.admit(bytes));
  from.on("end", () => way.admit("end"));
  from.on("error", () => way.admit("reset"));
  from.resume();
}

/** What a side does not take is not read from the other. */
function hand(passed: Passed, from: Socket | null, to: Socket | null): void {
  if (to === null || to.destroyed) return;
  if (passed === "reset") to.resetAndDestroy();
  else if (typeof passed === "string") to.end();
  else if (!to.write(passed) && from?.isPaused() === false) {
    from.pause();
    to.once("drain", () => from.resume());
  }
}

/** What is on its way in one direction of one connection. */
class Late implements Disposable {
  readonly #direction: Direction;
  readonly #flow: number;
  readonly #deliver: (passed: Passed) => void;
  /** In the order of `at`: a direction keeps the order of a flow. */
  readonly #queue: { readonly at: number; readonly passed: Passed }[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(direction: Direction, flow: number, deliver: (passed: Passed) => void) {
    this.#direction = direction;
    this.#flow = flow;
    this.#deliver = deliver;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  admit(passed: Passed): void {
    const bytes = typeof passed === "string" ? 0 : passed.byteLength;
    const fate = this.#direction.admit(performance.now(), bytes, this.#flow);
    // Without loss and without a queue there is no other fate.
    if (fate.kind === "leaves") this.#queue.push({ at: fate.at, passed });
    this.#arm();
  }

  #arm(): void {
    const [next] = this.#queue;
    if (this.#timer !== null || next === undefined) return;
    // Timers are of whole milliseconds: to the nearest, so that what is early and what is late cancel out.
    this.#timer = setTimeout(() => this.#due(), Math.round(next.at - performance.now()));
  }

  #due(): void {
    this.#timer = null;
    const now = performance.now();
    for (let next = this.#queue[0]; next !== undefined && next.at - now < 0.5; next = this.#queue[0]) {
      this.#queue.shift();
      this.#deliver(next.passed);
    }
    this.#arm();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer ?? undefined);
    this.#queue.length = 0;
  }
}
