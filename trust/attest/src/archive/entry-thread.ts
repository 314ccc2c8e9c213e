/** The thread that digests entries of an archive. */
import { serveDigests } from "../manifest/serve-digests.ts";
import { digestEntry } from "./digest-entry.ts";

serveDigests(digestEntry);
