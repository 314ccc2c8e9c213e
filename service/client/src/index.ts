// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

import { type Client, type ClientOptions, createClientOn } from "./client.ts";
import { nodePlatform } from "./node/platform.ts";

export * from "./portable.ts";

/**
 * A client of one server or of several. It opens no connection before its first call; whoever made it closes it.
 * @throws OPTION_INVALID, FACE_UNSUPPORTED
 */
export function createClient(options: ClientOptions): Client {
  return createClientOn(nodePlatform, options);
}
