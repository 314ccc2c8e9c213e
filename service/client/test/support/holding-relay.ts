/**
 * A relay before an HTTP/2 server that can hold what the client says after its request, for ever: the longest round trip
 * there is. What comes nevertheless is what the client's windows let come without another word. Reads the frames of
 * RFC 9113, section 4.1, on their way.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface HoldingRelay extends AsyncDisposable {
  readonly url: string;
  /** Bytes of DATA that came from the server. */
  readonly dataBytes: number;
  /** WINDOW_UPDATE frames of the client: for the connection, and for its streams. */
  readonly updates: { connection: number; stream: number };
  /** Resolves when so many bytes of DATA have come. */
  came(bytes: number): Promise<void>;
  /** What is held is passed on, and what follows. */
  release(): void;
}

const preface = 24;
const type = { data: 0, windowUpdate: 8 } as const;
const endStream = 1;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly length: number;
}

/** Told of each frame whose whole bytes have passed. @param skip bytes before the first */
function frameReader(skip: number, heard: (frame: Frame) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  let skipped = 0;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    if (skipped < skip) {
      const now = Math.min(skip - skipped, rest.length);
      rest = rest.subarray(now);
      skipped += now;
    }
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3);
      heard({ type: rest[3]!, flags: rest[4]!, stream: rest.readUInt32BE(5) & 0x7fffffff, length });
      rest = rest.subarray(9 + length);
    }
  };
}

export async function holdingRelay(port: number): Promise<HoldingRelay> {
  const sockets = new Set<Socket>();
  const updates = { connection: 0, stream: 0 };
  const waiting: { readonly bytes: number; come(): void }[] = [];
  let dataBytes = 0;
  let isHolding = true;
  let release = () => {};
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    let isAsked = false;
    const held: Buffer[] = [];
    const readAsked = frameReader(preface, (frame) => {
      if (frame.type === type.windowUpdate) updates[frame.stream === 0 ? "connection" : "stream"]++;
      if (frame.type === type.data && (frame.flags & endStream) !== 0) isAsked = true;
    });
    const readAnswered = frameReader(0, (frame) => {
      if (frame.type !== type.data) return;
      dataBytes += frame.length;
      for (const each of waiting) if (dataBytes >= each.bytes) each.come();
    });
    near.on("data", (bytes: Buffer) => {
      if (isAsked && isHolding) held.push(bytes);
      else far.write(bytes);
      readAsked(bytes);
    });
    far.on("data", (bytes: Buffer) => {
      readAnswered(bytes);
      near.write(bytes);
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    release = () => {
      isHolding = false;
      for (const bytes of held) far.write(bytes);
    };
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get dataBytes() {
      return dataBytes;
    },
    updates,
    came(bytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ bytes, come: resolve });
      if (dataBytes >= bytes) resolve();
      return promise;
    },
    release: () => release(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
