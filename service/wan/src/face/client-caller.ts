/** A caller through @cupel/client: what its users get, with its retries off, so that one call is one try. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createClient, type FaceName } from "@cupel/client";
import type { Caller } from "../load/caller.ts";
import { type ConnectionPolicy, windowsOf } from "./connection-policy.ts";
import { FirstByteWatch } from "./first-byte.ts";
import { assertEchoed, requestOf, type TensorCall } from "./tensor-call.ts";
import type { CallerTls } from "./tls-files.ts";

export interface ClientCallerOptions {
  readonly url: string;
  readonly face: FaceName;
  readonly policy: ConnectionPolicy;
  readonly deadlineMs: number;
  /** Null: none. Else after how long a call is sent once more, ms. */
  readonly hedgeMs: number | null;
  readonly tls?: CallerTls | undefined;
}

/**
 * Of a policy of one connection every call goes there; of several, as the client spreads them. The breaker stays shut: a run
 * that it cuts short would look fast.
 */
export function openClientCaller(call: TensorCall, options: ClientCallerOptions): Caller {
  const { url, face, policy, deadlineMs, hedgeMs, tls = {} } = options;
  const watch = new FirstByteWatch();
  const calls = new AsyncLocalStorage<(() => void) | undefined>();
  const client = createClient({
    endpoints: url,
    face,
    timeoutMs: deadlineMs,
    connectTimeoutMs: deadlineMs,
    retry: { retries: 0 },
    // Each call may have its second send.
    budget: { ratio: 1, burst: 10_000 },
    breaker: { errorShare: 1 },
    hedge: hedgeMs === null ? null : { delayMs: hedgeMs },
    pool: { connections: policy.connections },
    windows: windowsOf(policy),
    tls,
    onEvent(event) {
      // It is told where the call was made, so that each is known by its own.
      if (event.kind === "hedge") calls.getStore()?.();
    },
  });
  const request = requestOf(call);
  return {
    async call(onFirstByte, onExtraSend) {
      const asked = () => watch.run(onFirstByte, () => client.infer(request));
      assertEchoed(request, await calls.run(onExtraSend, asked));
    },
    [Symbol.dispose]() {
      client.close();
      watch[Symbol.dispose]();
    },
  };
}
