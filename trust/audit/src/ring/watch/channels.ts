/** What Node.js tells on diagnostic channels about connections and requests: a row a channel. A version without one is silent there. */
import { type ChannelListener, subscribe, unsubscribe } from "node:diagnostics_channel";
import { reasonOf } from "@cupel/base";
import type { RingWriter } from "../ring-writer.ts";
import { memberOf, numberOf, textOf } from "./member.ts";
import { hostOf, pathOf, Requests } from "./requests.ts";
import { createSocketWatch } from "./sockets.ts";

type Handlers = Readonly<Record<string, (message: unknown) => void>>;

export function watchChannels(writer: RingWriter): Disposable {
  const stack = new DisposableStack();
  for (const [channel, handle] of Object.entries({
    ...createSocketWatch(writer),
    ...clientHandlers(writer),
    ...serverHandlers(writer),
    ...streamHandlers(writer),
    ...undiciHandlers(writer),
  })) {
    // Thrown, it would end the process as an uncaught exception.
    const listener: ChannelListener = (message) => {
      try {
        handle(message);
      } catch (thrown) {
        writer.write("watch.failed", [], [channel, reasonOf(thrown)]);
      }
    };
    subscribe(channel, listener);
    stack.defer(() => void unsubscribe(channel, listener));
  }
  return stack;
}

function clientHandlers(writer: RingWriter): Handlers {
  const requests = new Requests();
  return {
    "http.client.request.start"(message) {
      const request = memberOf(message, "request");
      const texts = [
        textOf(request, "method"),
        textOf(request, "host"),
        pathOf(textOf(request, "path")),
      ] as const;
      writer.write("http.client.request", [requests.begin(request)], texts);
    },
    "http.client.response.finish"(message) {
      const [id, ms] = requests.soFar(memberOf(message, "request"));
      const status = numberOf(memberOf(message, "response"), "statusCode");
      writer.write("http.client.response", [id, status, ms], []);
    },
    "http.client.request.error"(message) {
      const soFar = requests.soFar(memberOf(message, "request"));
      writer.write("http.client.error", [...soFar], [codeOf(memberOf(message, "error"))]);
    },
  };
}

function serverHandlers(writer: RingWriter): Handlers {
  const requests = new Requests();
  return {
    "http.server.request.start"(message) {
      const request = memberOf(message, "request");
      const texts = [textOf(request, "method"), pathOf(textOf(request, "url"))] as const;
      writer.write("http.server.request", [requests.begin(request)], texts);
    },
    "http.server.response.finish"(message) {
      const [id, ms] = requests.soFar(memberOf(message, "request"));
      const status = numberOf(memberOf(message, "response"), "statusCode");
      writer.write("http.server.response", [id, status, ms], []);
    },
  };
}

function streamHandlers(writer: RingWriter): Handlers {
  const requests = new Requests();
  return {
    "http2.server.stream.start"(message) {
      const headers = memberOf(message, "headers");
      const texts = [textOf(headers, ":method"), pathOf(textOf(headers, ":path"))] as const;
      writer.write("http2.server.request", [requests.begin(memberOf(message, "stream"))], texts);
    },
    "http2.server.stream.close"(message) {
      const stream = memberOf(message, "stream");
      const [id, ms] = requests.soFar(stream);
      const status = numberOf(memberOf(stream, "sentHeaders"), ":status");
      writer.write("http2.server.response", [id, status, ms], []);
    },
  };
}

function undiciHandlers(writer: RingWriter): Handlers {
  const requests = new Requests();
  return {
    "undici:request:create"(message) {
      const request = memberOf(message, "request");
      const texts = [
        textOf(request, "method"),
        hostOf(textOf(request, "origin")),
        pathOf(textOf(request, "path")),
      ] as const;
      writer.write("undici.request", [requests.begin(request)], texts);
    },
    "undici:request:headers"(message) {
      const [id, ms] = requests.soFar(memberOf(message, "request"));
      const status = numberOf(memberOf(message, "response"), "statusCode");
      writer.write("undici.response", [id, status, ms], []);
    },
    "undici:request:error"(message) {
      const soFar = requests.soFar(memberOf(message, "request"));
      writer.write("undici.error", [...soFar], [codeOf(memberOf(message, "error"))]);
    },
  };
}

/** Messages of errors may have anything in them; codes have not. */
function codeOf(error: unknown): string {
  return textOf(error, "code") || textOf(error, "name");
}
