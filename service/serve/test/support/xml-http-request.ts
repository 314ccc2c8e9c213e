/** What the official gRPC-Web client needs of a browser's XMLHttpRequest, on Node's http: text arrives as it is sent. */
import { type ClientRequest, type IncomingMessage, request as open } from "node:http";

class XmlHttpRequest {
  onreadystatechange: (() => void) | null = null;
  readyState = 0;
  status = 0;
  statusText = "";
  responseText = "";
  responseType = "";
  #method = "";
  #url = "";
  readonly #sent: Record<string, string> = {};
  #request: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;
  readonly #chunks: Buffer[] = [];

  /** Whole, as a browser has it in binary mode; null before the end. */
  get response(): ArrayBuffer | string | null {
    if (this.responseType !== "arraybuffer") return this.responseText;
    return this.readyState < 4 ? null : Uint8Array.from(Buffer.concat(this.#chunks)).buffer;
  }

  open(method: string, url: string): void {
    this.#method = method;
    this.#url = url;
    this.#reach(1);
  }

  setRequestHeader(name: string, value: string): void {
    this.#sent[name] = value;
  }

  send(body: string | Uint8Array): void {
    this.#request = open(this.#url, { method: this.#method, headers: this.#sent }, (answer) => {
      this.#answer = answer;
      this.status = answer.statusCode ?? 0;
      this.statusText = answer.statusMessage ?? "";
      this.#reach(2);
      answer.on("data", (chunk: Buffer) => {
        this.#chunks.push(chunk);
        this.responseText += chunk.toString("latin1");
        this.#reach(3);
      });
      answer.once("end", () => this.#reach(4));
      answer.once("error", () => this.#fail());
    });
    this.#request.once("error", () => this.#fail());
    this.#request.end(body);
  }

  abort(): void {
    this.#request?.destroy();
  }

  getResponseHeader(name: string): string | null {
    return this.#answer?.headersDistinct[name.toLowerCase()]?.join(", ") ?? null;
  }

  getAllResponseHeaders(): string {
    const headers = Object.entries(this.#answer?.headersDistinct ?? {});
    return headers.map(([name, values = []]) => `${name}: ${values.join(", ")}\r\n`).join("");
  }

  #fail(): void {
    if (this.readyState === 4) return;
    this.status = 0;
    this.#reach(4);
  }

  #reach(state: number): void {
    this.readyState = state;
    this.onreadystatechange?.();
  }
}

Object.assign(globalThis, { XMLHttpRequest: XmlHttpRequest });
