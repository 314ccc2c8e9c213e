/** The thread that digests shards of files. */
import { serveDigests } from "../manifest/serve-digests.ts";
import { digestShard } from "./digest-shard.ts";

serveDigests(digestShard);
