/**
 * Where the files of a log come from: a folder here, which may be one that others wrote. All of it comes from outside:
 * a file that is longer than its kind can be is refused unread, and nobody's word is taken for what it holds.
 */
import { join } from "node:path";
import { CupelError, openRegular, reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";

export interface LogSource {
  /** Says where, in messages. */
  readonly name: string;
  /**
   * @param path such as "tile/0/000" @param limit bytes
   * @returns null where there is no such file. @throws LOG_INVALID above the limit, LOG_UNREADABLE
   */
  read(path: string, limit: number): Promise<Buffer | null>;
}

/** @param folder with `checkpoint` and `tile/` in it; it need not exist */
export function folderSource(folder: string): LogSource {
  return {
    name: folder,
    async read(path, limit) {
      const whole = join(folder, path);
      try {
        await using file = await openRegular(whole);
        const { size } = await file.stat();
        if (size > limit) {
          throw auditErrors.error(
            "LOG_INVALID",
            `${whole} has ${size} bytes; a file of its kind has at most ${limit}.`,
            { details: { path: whole } },
          );
        }
        return await file.readFile();
      } catch (thrown) {
        if (isErrno(thrown, "ENOENT") || isErrno(thrown, "ENOTDIR")) return null;
        if (thrown instanceof CupelError) throw thrown;
        throw auditErrors.error("LOG_UNREADABLE", `${whole} cannot be read: ${reasonOf(thrown)}.`, {
          cause: thrown,
          details: { path: whole },
        });
      }
    },
  };
}

function isErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
