/** From options to the layout of a map's memory: sizes of its parts, and the header that tells them. */
import { randomBytes } from "node:crypto";
import {
  CLAIM_BUCKETS,
  CLAIM_BYTES,
  CLAIMS,
  CLAIMS_PER_BUCKET,
  CLASS_OF,
  CLASS_SIZES,
  DESCRIPTOR_BYTES,
  DIRECTORY,
  EPOCH,
  EVICTS,
  FIRST_PAGE,
  GROUP_BITS,
  GROUP_BYTES,
  GROUPS,
  HEADER_BYTES,
  LANE_BYTES,
  LANE_COUNT,
  LANES,
  MAGIC,
  MAX_DEPTH,
  MAX_ENTRIES,
  MAX_PAGES,
  MAX_USED,
  PAGE_BYTES,
  PAGE_TABLE,
  RESERVE,
  SCRATCH,
  SCRATCH_BYTES,
  SEED,
  SLOTS,
  SPARE_PAGES,
  STALE_FOR,
  VERSION,
  VERSIONS,
  VERSIONS_BYTES,
} from "./core/layout.ts";

/** "CUSM". */
export const magic = 0x4d535543;
/** Grows with every change of the layout. */
export const layoutVersion = 3;
export const maxBytesLimit = 2 ** 32;
export const minBytes = 2 ** 20;

export interface GeometryOptions {
  /** Memory for entries and the table, bytes. */
  readonly maxBytes: number;
  readonly maxThreads: number;
  readonly evicts: boolean;
  /** Whether threads have near caches. */
  readonly keeps: boolean;
  /** 0 for no limit, the default. */
  readonly maxEntries?: number;
  /** Milliseconds. Default 0. */
  readonly staleFor?: number;
  /** Groups of a segment, as a power of two. 7 but for tests, which want small segments to split often. */
  readonly groupBits: number;
}

export interface Geometry extends GeometryOptions {
  readonly lanes: number;
  readonly claims: number;
  readonly claimBuckets: number;
  readonly directory: number;
  readonly maxDepth: number;
  readonly versions: number;
  readonly pageTable: number;
  readonly scratches: number;
  readonly firstPage: number;
  readonly maxPages: number;
  readonly sparePages: number;
}

/** Blocks to a page of the classes above 1 KiB: they leave less than one percent of a page over. */
const blocksPerPage = [51, 42, 36, 32, 25, 21, 18, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2];

/** Block sizes, ascending: multiples of 16 in steps of a quarter or less, then even parts of a page. */
export const classSizes: readonly number[] = [
  ...[48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024],
  ...blocksPerPage.map((blocks) => Math.floor(PAGE_BYTES / blocks / 8) * 8),
];

const smallestEntry = 48;
const alignedTo = (bytes: number, unit: number) => Math.ceil(bytes / unit) * unit;

export function geometryOf(options: GeometryOptions): Geometry {
  const { maxBytes, maxThreads, groupBits } = options;
  const maxPages = Math.ceil(maxBytes / PAGE_BYTES);
  // One for each size, touched when a map that does not evict is full and a value is overwritten.
  const sparePages = options.evicts ? 0 : classSizes.length;
  // As many segments as there can be, half full of the smallest entries, and prefixes for those that are denser.
  const segment = GROUPS + (GROUP_BYTES << groupBits);
  const segments = maxBytes / (segment + (SLOTS << groupBits) * 0.5 * smallestEntry);
  const maxDepth = Math.max(1, Math.ceil(Math.log2(segments)) + 3);
  const lanes = HEADER_BYTES;
  const claims = lanes + maxThreads * LANE_BYTES;
  // Room for some sixteen loads of each thread at a time.
  const claimBuckets = 2 ** Math.ceil(Math.log2(maxThreads * 2));
  const directory = claims + claimBuckets * CLAIMS_PER_BUCKET * CLAIM_BYTES;
  const versions = alignedTo(directory + (8 << maxDepth), 128);
  const pageTable = versions + VERSIONS_BYTES;
  const scratches = alignedTo(pageTable + (maxPages + sparePages) * DESCRIPTOR_BYTES, 128);
  const firstPage = alignedTo(scratches + maxThreads * SCRATCH_BYTES, PAGE_BYTES);
  const fitting = Math.min(maxPages, (maxBytesLimit - firstPage) / PAGE_BYTES - sparePages);
  return {
    ...options,
    lanes,
    claims,
    claimBuckets,
    directory,
    maxDepth,
    versions,
    pageTable,
    scratches,
    firstPage,
    maxPages: fitting,
    sparePages,
  };
}

export function memoryBytes({ firstPage, maxPages, sparePages }: Geometry): number {
  return firstPage + (maxPages + sparePages) * PAGE_BYTES;
}

/** Makes zeroed memory into an empty map but for its first segment. */
export function writeHeader(buffer: ArrayBufferLike, geometry: Geometry): void {
  const words = new Int32Array(buffer, 0, geometry.firstPage >>> 2);
  const put = (address: number, value: number) => {
    words[address >>> 2] = value;
  };
  put(MAGIC, magic);
  put(VERSION, layoutVersion);
  const seed = randomBytes(8);
  put(SEED, seed.readInt32LE(0));
  put(SEED + 4, seed.readInt32LE(4));
  put(LANES, geometry.lanes);
  put(LANE_COUNT, geometry.maxThreads);
  put(CLAIMS, geometry.claims);
  put(CLAIM_BUCKETS, geometry.claimBuckets);
  put(DIRECTORY, geometry.directory);
  put(MAX_DEPTH, geometry.maxDepth);
  put(VERSIONS, geometry.keeps ? geometry.versions : 0);
  put(PAGE_TABLE, geometry.pageTable);
  put(FIRST_PAGE, geometry.firstPage);
  put(MAX_PAGES, geometry.maxPages);
  put(SPARE_PAGES, geometry.sparePages);
  put(GROUP_BITS, geometry.groupBits);
  // Seven eighths: beyond, probes get long.
  put(MAX_USED, (SLOTS << geometry.groupBits) - (1 << geometry.groupBits));
  put(EVICTS, geometry.evicts ? 1 : 0);
  put(RESERVE, Math.floor((geometry.maxPages * PAGE_BYTES) / 8 / 32));
  put(MAX_ENTRIES, geometry.maxEntries ?? 0);
  put(EPOCH, 1);
  new Float64Array(buffer, STALE_FOR, 1)[0] = geometry.staleFor ?? 0;
  for (let lane = 0; lane < geometry.maxThreads; lane++) {
    put(geometry.lanes + lane * LANE_BYTES + SCRATCH, geometry.scratches + lane * SCRATCH_BYTES);
  }
  classSizes.forEach((size, i) => {
    put(CLASS_SIZES + i * 4, size);
  });
  const bytes = new Uint8Array(buffer, CLASS_OF, classSizes.at(-1)! / 16 + 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = classSizes.findIndex((size) => size >= i * 16);
}
