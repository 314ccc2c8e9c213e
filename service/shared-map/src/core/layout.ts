/**
 * Where everything lies in the shared memory. Offsets are bytes; docs/shared-map.md draws it.
 *
 *   header | lanes | claims | directories | page table | scratch of each lane | page 0 | page 1 | ... (64 KiB each)
 *
 * Lines that different threads write are 64 bytes apart or more.
 */
import type { i32 } from "./machine.ts";

// The header. What is fixed when the map is created:
export const MAGIC: i32 = 0;
export const VERSION: i32 = 4;
/** The key of the hash, two words. */
export const SEED: i32 = 8;
/** Address of the first lane, and how many there are. */
export const LANES: i32 = 16;
export const LANE_COUNT: i32 = 20;
/** Address such that the directory of depth d begins 4 << d bytes after it. */
export const DIRECTORY: i32 = 24;
export const MAX_DEPTH: i32 = 28;
export const PAGE_TABLE: i32 = 32;
export const FIRST_PAGE: i32 = 36;
export const MAX_PAGES: i32 = 40;
/** Groups of a segment are a power of two: 1 << GROUP_BITS. */
export const GROUP_BITS: i32 = 44;
/** Slots a segment may use, full or deleted, before it is split or rebuilt. */
export const MAX_USED: i32 = 48;
/** 1: entries may be evicted when memory is short; 0: writes are refused. */
export const EVICTS: i32 = 52;
/** Memory, in units of 8 bytes, below which writes begin to evict ahead of need. */
export const RESERVE: i32 = 56;
/** Pages beyond MAX_PAGES, for values that take the place of others only. */
export const SPARE_PAGES: i32 = 64;
/** Address of the versions (`versions.ts`); 0 where no thread has a near cache. */
export const VERSIONS: i32 = 72;
/** Address of the table of claims (`claims.ts`), and its buckets, a power of two. */
export const CLAIMS: i32 = 76;
export const CLAIM_BUCKETS: i32 = 92;
/** Milliseconds that expired entries are kept for `fetch`, unless memory is short. */
export const STALE_FOR: i32 = 80;
/** Entries that the map may have; 0: as many as there is memory for. */
export const MAX_ENTRIES: i32 = 88;
/** What threads change, each kind on a line of its own: */
/** 1 once an entry with an expiry was stored. */
export const EXPIRES: i32 = 60;
/** Lanes up to the last that was ever taken. */
export const LANES_TAKEN: i32 = 68;
/** The root word: the depth of the current directory, and so its place. */
export const ROOT: i32 = 128;
export const DIRECTORY_LOCK: i32 = 192;
export const EPOCH: i32 = 256;
/** Grows whenever a page passes to another size class: addresses of blocks from before mean nothing then. */
export const LAYOUT: i32 = 320;
/** Grows whenever eviction has taken marks of visits away. */
export const SWEEPS: i32 = 324;
// The heap, all under its lock:
export const HEAP_LOCK: i32 = 384;
/** Pages ever taken: those beyond were never touched. */
export const FRONTIER: i32 = 388;
/** Head of the list of unassigned pages: index + 1. */
export const FREE_PAGES: i32 = 392;
/** Free memory within pages taken, in units of 8 bytes. */
export const FREE_UNITS: i32 = 396;
/** Numbers allocations, so that a block's address with its number is unique. */
export const GENERATIONS: i32 = 400;
/** Which of the three limbo lists takes what is retired now. */
export const LIMBO_INDEX: i32 = 404;
export const LIMBO: i32 = 408;
/** Blocks that no thread can see any more. */
export const READY: i32 = 420;
/** Memory of what is in limbo or ready, in units of 8 bytes: as good as free when memory is short. */
export const LIMBO_UNITS: i32 = 436;
/** Retired since the last try to advance the epoch. */
export const RETIRED_SINCE: i32 = 424;
/** Where eviction goes on: page, and block in it. */
export const HAND_PAGE: i32 = 428;
export const HAND_BLOCK: i32 = 432;
/** Who has keys reserved, as a lock tells it. */
export const RESERVATION: i32 = 448;
/** Claims: their lock, how many there are, and the number of the last. */
export const CLAIM_LOCK: i32 = 452;
export const CLAIM_COUNT: i32 = 456;
export const CLAIM_TICKETS: i32 = 460;
/** For each class, the first page with free blocks: index + 1. */
export const CLASS_PAGES: i32 = 512;
/** For each class, its block size. */
export const CLASS_SIZES: i32 = 768;
/** For a size rounded up to 16 bytes, over 16: its class, one byte. */
export const CLASS_OF: i32 = 1024;
export const HEADER_BYTES: i32 = 4096;

// The versions: one for all hashes that begin with the same VERSION_BITS bits.
export const VERSION_BITS: i32 = 12;
export const VERSIONS_BYTES: i32 = 16384;

// A lane: what one attached thread owns.
export const LANE_BYTES: i32 = 192;
/** The hash of the keys that it has reserved. */
export const RESERVED_HASH: i32 = 0;
/** The epoch it is pinned in, or 0. */
export const PIN: i32 = 4;
/** The segment it has locked or is about to. */
export const SEGMENT_HELD: i32 = 8;
/** Its place for keys and values on their way in and out; fixed. */
export const SCRATCH: i32 = 12;
/** Out: the block that was found, its number, and what else calls tell. */
export const FOUND: i32 = 16;
export const FOUND_GENERATION: i32 = 20;
export const FOUND_HASH: i32 = 24;
/** The chunk to be read next. */
export const CHAIN: i32 = 28;
export const FOUND_EXPIRY: i32 = 32;
/** The metas of an entry that iteration came to. */
export const FOUND_KEY: i32 = 40;
export const FOUND_VALUE: i32 = 44;
/** Retired blocks that could not be handed to limbo yet. */
export const PENDING: i32 = 48;
/** 1 while it writes what may only take the place of an entry as large: the last block of a class is for that; 2: spare pages too. */
export const ONLY_REPLACES: i32 = 52;
/** 1 when its last write found the map full: the next one looks first whether it takes the place of another. */
export const WAS_FULL: i32 = 56;
/** Where the version lies of the key that was read, and the version; 0 when the key may be being written to. */
export const FOUND_VERSION_ADDRESS: i32 = 60;
// Statistics, written by the owner only.
export const HITS: i32 = 64;
export const MISSES: i32 = 72;
export const EVICTIONS: i32 = 80;
export const EXPIRATIONS: i32 = 88;
export const SPLITS: i32 = 96;
export const STALLS: i32 = 104;
/** 64 bits: the identity of the thread that has the lane (`thread-identity.ts`); 0 for a free lane. */
export const OWNER: i32 = 112;
export const FOUND_VERSION: i32 = 120;
/** Entries that the lane's threads have added less those they have taken out; modulo 2^32. */
export const ENTRIES: i32 = 128;
/** The same less those of the segment that it has locked. */
export const ENTRIES_ELSEWHERE: i32 = 132;
/** 1 while ENTRIES_ELSEWHERE is of the segment that it has locked. */
export const IS_COUNTING: i32 = 136;
/** Statistics of loads: begun, failed, and those whose value could not be stored. */
export const LOADS: i32 = 144;
export const LOAD_FAILURES: i32 = 152;
export const UNSTORED: i32 = 160;
/** 1 while its thread listens to evictions; bytes of them that are noted; and how many there was no room for. */
export const EVENTS_WANTED: i32 = 168;
export const EVENTS_USED: i32 = 172;
export const EVENTS_LOST: i32 = 176;

// A lane's scratch.
export const SCRATCH_KEY: i32 = 64;
export const MAX_KEY_BYTES: i32 = 4096;
export const SCRATCH_VALUE: i32 = 4160;
/** A list of up to LIST_MAX blocks or pairs. */
export const SCRATCH_LIST: i32 = 40960;
export const LIST_MAX: i32 = 64;
/** The hashes of a segment that is being split. */
export const SCRATCH_HASHES: i32 = 41472;
/** The rows of a batch (`batch.ts`), up to BATCH_ROWS. */
export const SCRATCH_BATCH: i32 = 45568;
export const BATCH_ROWS: i32 = 32;
/** What the lane's calls evicted or found expired (`events.ts`). */
export const SCRATCH_EVENTS: i32 = 46592;
export const EVENTS_BYTES: i32 = 8192;
export const SCRATCH_BYTES: i32 = 54784;

// An event: these, the key, the value, from multiples of eight on.
export const EVENT_BYTES: i32 = 16;
/** The lane's statistic that it counts for: EVICTIONS or EXPIRATIONS. */
export const EVENT_REASON: i32 = 0;
export const EVENT_KEY_META: i32 = 4;
/** 0 for a value longer than MAX_EVENT_VALUE, which is not told. */
export const EVENT_VALUE_META: i32 = 8;
export const MAX_EVENT_VALUE: i32 = 1024;

// A row of a batch.
export const ROW_BYTES: i32 = 32;
/** Where its key lies, the key's meta and hash. */
export const ROW_KEY: i32 = 0;
export const ROW_KEY_META: i32 = 4;
export const ROW_HASH: i32 = 8;
/** What is next on the way to its entry, and at last that. */
export const ROW_PLACE: i32 = 12;
/** Out: the meta of the value, where it lies from SCRATCH_VALUE on, and a number itself. */
export const ROW_VALUE_META: i32 = 16;
export const ROW_VALUE: i32 = 20;
export const ROW_NUMBER: i32 = 24;

// A claim.
export const CLAIM_BYTES: i32 = 16;
export const CLAIMS_PER_BUCKET: i32 = 8;
/** A number that no other claim has, or 0; with OUTDATED when the key was written since. */
export const CLAIM_TICKET: i32 = 0;
export const CLAIM_HASH: i32 = 4;
export const CLAIM_KEY_META: i32 = 8;
export const CLAIM_OWNER: i32 = 12;
export const OUTDATED: i32 = 1;

// A descriptor in the page table.
export const PAGE_BYTES: i32 = 65536;
export const DESCRIPTOR_BYTES: i32 = 32;
/** Class + 1, or 0 for an unassigned page. */
export const PAGE_CLASS: i32 = 0;
export const PAGE_FREE: i32 = 4;
export const PAGE_FREE_COUNT: i32 = 8;
/** Blocks handed out at least once: those beyond hold nothing yet. */
export const PAGE_CARVED: i32 = 12;
export const PAGE_PREVIOUS: i32 = 16;
export const PAGE_NEXT: i32 = 20;
/** The owner who is emptying it, or 0: no block of it is handed out meanwhile. */
export const PAGE_VACATING: i32 = 24;
/** The class it had last, + 1. */
export const PAGE_LAST_CLASS: i32 = 28;

// Every block.
export const STATE: i32 = 0;
/** The next block of a list. */
export const LINK: i32 = 4;
/** Of a FIXED entry, in the same place: how many have handles to it. Under its segment's lock. */
export const HANDLES: i32 = 4;
export const HASH: i32 = 8;
export const GENERATION: i32 = 12;
export const BLOCK_HEADER: i32 = 32;
// An entry.
/** Milliseconds of the clock that all threads share, or 0 for never. */
export const EXPIRY: i32 = 16;
/** Length in bytes << 4 | type. */
export const KEY_META: i32 = 24;
/** The same of the value. 0 in a block that is no entry. */
export const VALUE_META: i32 = 28;
export const KEY: i32 = 32;
/** Values longer than this lie in a chain of chunks; the entry then holds the first one's address. */
export const MAX_INLINE_BYTES: i32 = 28632;
// A chunk.
export const CHUNK_ENTRY: i32 = 16;
export const CHUNK_LENGTH: i32 = 20;
export const CHUNK_BYTES: i32 = 32736;

// The state of a block: a kind, a mark, and the lane that owns it where one does.
export const KIND: i32 = 7;
export const FREE: i32 = 0;
/** Owned by a lane, seen by nobody else. */
export const HELD: i32 = 1;
export const ENTRY: i32 = 2;
/** A counter that has handles: it stays where it is as long as it has. */
export const FIXED: i32 = 3;
export const CHUNK: i32 = 4;
export const SEGMENT: i32 = 5;
/** Out of the map or about to be, by the lane's hand. */
export const RETIRED: i32 = 6;
/** In a limbo list: readers may still be looking at it. */
export const IN_LIMBO: i32 = 7;
/** Read since eviction last came by. */
export const VISITED: i32 = 8;
export const LANE_SHIFT: i32 = 4;

// A segment.
export const SEGMENT_LOCK: i32 = 32;
/** Bits of the hash that all of its entries share. */
export const DEPTH: i32 = 36;
/** Those bits, at the top of a word. */
export const PREFIX: i32 = 40;
export const LIVE: i32 = 44;
/** Full and deleted slots. */
export const USED: i32 = 48;
/** Where its entries went, by the next bit of their hash. LEFT is set last, and says that it is so. */
export const LEFT: i32 = 52;
export const RIGHT: i32 = 56;
/** The slot that the next write looks at for an expired entry. */
export const SWEEP: i32 = 60;
export const GROUPS: i32 = 64;

// A group: one word of eight control bytes, eight references to blocks.
export const GROUP_BYTES: i32 = 40;
export const REFERENCES: i32 = 8;
export const SLOTS: i32 = 8;
export const EMPTY: i32 = 0;
export const DELETED: i32 = 1;
/** A full slot's control byte: this, and seven bits of the hash. */
export const FULL: i32 = 0x80;

// Types of values that the core itself knows.
export const NUMBER: i32 = 1;
/** An integer of 64 bits that is added to in place, under the segment's lock. */
export const COUNTER: i32 = 2;
/** One that is added to through its address, without a lock; in state FIXED. */
export const FIXED_COUNTER: i32 = 3;
// Types of keys and values that are strings.
export const TEXT_LATIN1: i32 = 4;
export const TEXT_UTF16: i32 = 5;

// What calls return where they cannot do what was asked.
export const ABSENT: i32 = -1;
/** The scratch is full: the key is for the next batch, the value for a read of its own. */
export const NO_ROOM: i32 = -2;
export const MEMORY_FULL: i32 = -3;
/** A lock stayed held for longer than a thread that lives holds it. */
export const BUSY: i32 = -4;
/** The entry is not the expected one any more. */
export const CONFLICT: i32 = -5;
/** The counter has handles and cannot become another value. */
export const IS_FIXED: i32 = -6;
export const NOT_A_NUMBER: i32 = -7;
export const NO_LANE: i32 = -8;
export const KEY_TOO_LONG: i32 = -9;
/** A sum that float64 does not hold exactly. */
export const TOO_LARGE: i32 = -10;
/** The map has as many entries as it may have. */
export const LIMIT_REACHED: i32 = -11;
/** Memory is full as long as a thread that is stopped in the middle of a call keeps what others gave back from being free. */
export const MEMORY_KEPT: i32 = -12;

// What a write expects of the entry it replaces, beside a block's address.
export const ANYTHING: i32 = -1;
export const NOTHING: i32 = 0;
/** That nobody has written the key since a row of claims was claimed, which is given in place of the generation. */
export const CLAIMED: i32 = -2;
