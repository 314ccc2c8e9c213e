/** When two texts name one script: a path made whole in the folder of the process, of Windows blind to case and to the slash. */
import { posix, win32 } from "node:path";

/** @param folder where the process ran; null where that is not known, and then a path that is not whole names nothing but itself */
export function scriptKey(path: string, folder: string | null): string {
  const isWindows =
    /^[A-Za-z]:|\\/.test(path) || (folder !== null && /^[A-Za-z]:/.test(folder) && !path.startsWith("/"));
  const { normalize, isAbsolute, join } = isWindows ? win32 : posix;
  const plain = path.replace(/^\\\\\?\\/, "");
  const whole = isAbsolute(plain) || folder === null ? normalize(plain) : join(folder, plain);
  return isWindows ? whole.replaceAll("/", "\\").toLowerCase() : whole;
}
