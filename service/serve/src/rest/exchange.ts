/** One request of a route and its answer, without a word of the server that carries them. */
import type { Call, FaceName } from "../core/call.ts";
import type { InferenceService } from "../core/inference-service.ts";
import type { Pages } from "../core/pages.ts";

export interface Exchange {
  readonly service: InferenceService;
  readonly call: Call;
  /** Null where nobody draws any. */
  readonly pages: Pages | null;
  /** What the server speaks. */
  readonly faces: ReadonlySet<FaceName>;
  /** The parts of the path that the route leaves open. */
  readonly params: Readonly<Record<string, string>>;
  /** The last value of each name. */
  readonly query: Readonly<Record<string, string>>;
  /** By lower-case name. */
  header(name: string): string | undefined;
  /**
   * The body, decompressed. Call it once.
   * @param alignAt the byte of the body at which numbers begin, where it is known
   * @throws BODY_TOO_LARGE, MEDIA_TYPE_UNSUPPORTED, REQUEST_INVALID, CANCELLED, DEADLINE_EXCEEDED
   */
  body(alignAt?: number): Promise<Buffer<ArrayBuffer>>;
}

export interface Answer {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Content type; absent where there is no body. */
  readonly type?: string;
  readonly body?: string | Buffer;
}
