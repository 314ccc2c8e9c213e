/** The thread that digests files of a folder. */
import { digestFile } from "./digest-file.ts";
import { serveDigests } from "./serve-digests.ts";

serveDigests(digestFile);
