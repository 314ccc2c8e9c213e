/** The entry for browsers: nothing of Node's is reachable from here. */
import { browserPlatform } from "./browser/platform.ts";
import { type Client, type ClientOptions, createClientOn } from "./client.ts";

export * from "./portable.ts";

/**
 * A client of one server or of several, by fetch. Pages of another origin are allowed by the server's `cors.origins`.
 * @throws OPTION_INVALID, FACE_UNSUPPORTED
 */
export function createClient(options: ClientOptions): Client {
  return createClientOn(browserPlatform, options);
}
