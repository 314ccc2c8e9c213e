/** Threads and child processes are started by file, which is `.ts` in the repository and `.js` when published. */
import { extname } from "node:path";

/** The URL of module `name` in the folder of the module at `url`, with that module's extension. */
export function moduleBeside(url: string, name: string): URL {
  return new URL(`./${name}${extname(new URL(url).pathname)}`, url);
}
