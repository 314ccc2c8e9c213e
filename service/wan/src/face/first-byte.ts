/**
 * When the answer to a call begins, of clients that do not say: Node.js tells of each request over HTTP on channels
 * (https://nodejs.org/api/diagnostics_channel.html). Which call a request belongs to is known where the request is made,
 * and kept by the request until its answer comes.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

type FirstByte = () => void;

/** A channel that tells of a request, and one that tells of its answer's head; the member that both have. */
const pairs = [
  { begun: "http.client.request.created", answered: "http.client.response.finish", member: "request" },
  { begun: "http2.client.stream.created", answered: "http2.client.stream.finish", member: "stream" },
] as const;

export class FirstByteWatch implements Disposable {
  readonly #calls = new AsyncLocalStorage<FirstByte>();
  readonly #waiting = new WeakMap<object, FirstByte>();
  readonly #ends: (() => void)[] = [];

  constructor() {
    for (const { begun, answered, member } of pairs) {
      this.#on(begun, member, (request) => {
        const told = this.#calls.getStore();
        if (told) this.#waiting.set(request, told);
      });
      this.#on(answered, member, (request) => this.#waiting.get(request)?.());
    }
  }

  /** Of several sends of one call the first that is answered counts. */
  run<T>(onFirstByte: FirstByte, call: () => Promise<T>): Promise<T> {
    let isTold = false;
    const once = () => {
      if (!isTold) onFirstByte();
      isTold = true;
    };
    return this.#calls.run(once, call);
  }

  #on(channel: string, member: string, heard: (request: object) => void): void {
    const listener = (message: unknown) => {
      const request = Reflect.get(Object(message), member);
      if (typeof request === "object" && request !== null) heard(request);
    };
    subscribe(channel, listener);
    this.#ends.push(() => unsubscribe(channel, listener));
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }
}
