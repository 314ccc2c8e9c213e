/**
 * Whether what only adds delay adds what was asked for: round trips of bytes over TCP connections of its own, through a
 * pass-through of the same law, held to that law.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { quantile, throwIfCancelled } from "@cupel/base";
import { jitterDeviation } from "./delay-law.ts";
import type { LinkSpec } from "./emulated-link.ts";
import type { DelayVerification } from "./measured-link.ts";
import { thisMachine } from "./place.ts";
import { delayTolerance, deviation, jitterTolerance, refuseOff } from "./verify-link.ts";

/** One after another on each, so that none waits for the one before it. */
const connections = 50;
const probesEach = 8;

export interface PassThrough extends AsyncDisposable {
  /** Of this machine, where connections are passed on, late. */
  readonly port: number;
}

export interface VerifyDelayOptions {
  passThrough(host: string, port: number): Promise<PassThrough>;
  readonly signal?: AbortSignal | undefined;
}

/** @throws LINK_OFF, LINK_FAILED */
export async function verifyDelay(
  spec: LinkSpec,
  { passThrough, signal }: VerifyDelayOptions,
): Promise<DelayVerification> {
  const echo = createServer({ noDelay: true }, (socket) => socket.on("error", () => {}).pipe(socket));
  echo.listen(0, thisMachine.address);
  await once(echo, "listening");
  const { port } = echo.address() as AddressInfo;
  const sockets: Socket[] = [];
  try {
    await using near = await passThrough(thisMachine.address, port);
    const roundTrips = await Promise.all(
      Array.from({ length: connections }, async () => {
        const socket = connect({ host: thisMachine.address, port: near.port, noDelay: true });
        sockets.push(socket);
        // The first waits for the handshake too.
        await roundTrip(socket, signal);
        const took: number[] = [];
        for (let i = 0; i < probesEach; i++) took.push(await roundTrip(socket, signal));
        return took;
      }),
    );
    return refuseOff(judgeDelay(roundTrips.flat(), spec));
  } catch (thrown) {
    throwIfCancelled(signal, "The measurement of the delay");
    throw thrown;
  } finally {
    for (const socket of sockets) socket.destroy();
    echo.close();
  }
}

async function roundTrip(socket: Socket, signal: AbortSignal | undefined): Promise<number> {
  const start = performance.now();
  socket.write("?");
  await once(socket, "data", { signal });
  return performance.now() - start;
}

/** Pure. @param roundTrips ms */
export function judgeDelay(roundTrips: readonly number[], { toFar, toNear }: LinkSpec): DelayVerification {
  const sorted = Float64Array.from(roundTrips).sort();
  const p50 = quantile(sorted, 0.5);
  const trimmed = sorted.subarray(Math.ceil(sorted.length / 100), Math.floor(sorted.length * 0.99));
  const jitter = deviation(trimmed);
  const asked = {
    delay: toFar.delay.delayMs + toNear.delay.delayMs,
    jitter: Math.hypot(jitterDeviation(toFar.delay), jitterDeviation(toNear.delay)),
  };
  const rows = [
    { what: "round trip", is: p50, asked: asked.delay, within: 2 * delayTolerance },
    {
      what: "jitter",
      is: jitter,
      asked: asked.jitter,
      // As wide again: there are fewer probes, and timers of whole milliseconds.
      within: 2 * (jitterTolerance.share * asked.jitter + jitterTolerance.ms),
    },
  ];
  return {
    probes: roundTrips.length,
    roundTripMs: { p50, p99: quantile(sorted, 0.99) },
    off: rows
      .filter(({ is, asked: wanted, within }) => !(Math.abs(is - wanted) <= within))
      .map(
        ({ what, is, asked: wanted, within }) =>
          `The ${what} is ${is.toFixed(2)} ms and not ${wanted.toFixed(2)} (within ${within.toFixed(2)}).`,
      ),
  };
}
