/** Several connections to one endpoint as one transport: each call goes to the connection that the pool's rule chooses. */
import type { Transport } from "@connectrpc/connect";
import { chooseConnection } from "../policies/pool.ts";

export interface Connection extends Disposable {
  readonly transport: Transport;
}

export interface TransportPoolOptions {
  readonly connections: number;
  readonly callsEach: number;
  /** Makes what connects when it is first used, and again after it broke. */
  open(): Connection;
}

interface Pooled {
  readonly connection: Connection;
  load: number;
}

export function createTransportPool({ connections, callsEach, open }: TransportPoolOptions): Connection {
  const pooled: Pooled[] = [];
  const take = (): Pooled => {
    const index = chooseConnection(
      pooled.map(({ load }) => load),
      connections,
      callsEach,
    );
    const taken = pooled[index] ?? { connection: open(), load: 0 };
    if (index === pooled.length) pooled.push(taken);
    taken.load++;
    return taken;
  };
  const transport: Transport = {
    async unary(...call) {
      const taken = take();
      try {
        return await taken.connection.transport.unary(...call);
      } finally {
        taken.load--;
      }
    },
    async stream(...call) {
      const taken = take();
      try {
        const response = await taken.connection.transport.stream(...call);
        return { ...response, message: counted(response.message, () => taken.load--) };
      } catch (thrown) {
        taken.load--;
        throw thrown;
      }
    },
  };
  return {
    transport,
    [Symbol.dispose]() {
      for (const { connection } of pooled) connection[Symbol.dispose]();
    },
  };
}

async function* counted<T>(messages: AsyncIterable<T>, done: () => void): AsyncGenerator<T> {
  try {
    yield* messages;
  } finally {
    done();
  }
}
