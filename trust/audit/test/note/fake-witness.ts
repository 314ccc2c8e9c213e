/** A witness as https://c2sp.org/tlog-witness demands it, in memory; and one that answers whatever it is told. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import {
  formatNote,
  type NoteKey,
  type NoteSigningKey,
  openCheckpoint,
  parseConsistencyFile,
  signNote,
  verifyConsistency,
} from "@cupel/audit";

export interface ServedWitness extends AsyncDisposable {
  readonly url: string;
  /** Bodies of the requests so far. */
  readonly requests: string[];
}

export async function serveAnswers(
  answer: (body: string, respond: Parameters<RequestListener>[1]) => void,
): Promise<ServedWitness> {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    requests.push(body);
    if (request.url === "/w/add-checkpoint" && request.method === "POST") answer(body, response);
    else response.writeHead(405).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/w`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Knows one log. @param key of type cosignature */
export function serveWitness(key: NoteSigningKey, origin: string, logKey: NoteKey): Promise<ServedWitness> {
  let seen: { readonly size: number; readonly root: Buffer } = { size: 0, root: Buffer.alloc(32) };
  return serveAnswers((body, response) => {
    const { oldSize, proof, checkpoint: note } = parseConsistencyFile(Buffer.from(body));
    if (!note.text.startsWith(`${origin}\n`)) return response.writeHead(404).end();
    const keys = { origin, logKeys: [logKey] };
    try {
      const { size, root } = openCheckpoint(Buffer.from(formatNote(note)), keys);
      if (oldSize > size) return response.writeHead(400).end();
      const isOther = oldSize === size && oldSize > 0 && !root.equals(seen.root);
      if (oldSize !== seen.size || isOther) {
        return response.writeHead(409, { "content-type": "text/x.tlog.size" }).end(`${seen.size}\n`);
      }
      if (oldSize > 0) {
        try {
          verifyConsistency({ oldSize, oldRoot: seen.root, size, root, proof });
        } catch {
          return response.writeHead(422).end();
        }
      }
      seen = { size, root };
    } catch {
      return response.writeHead(403).end();
    }
    const cosigned = signNote(note.text, [key], 1_700_000_000);
    response.end(formatNote(cosigned).slice(note.text.length + 1));
  });
}
