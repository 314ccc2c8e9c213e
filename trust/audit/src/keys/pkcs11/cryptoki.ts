/**
 * The few functions of PKCS#11 that are needed, on systems where CK_ULONG has 8 bytes and structures are not packed: all but Windows.
 * Numbers and layouts are those of pkcs11t.h (OASIS, v2.40).
 */
import type * as Ffi from "node:ffi";

const functions = {
  C_Initialize: { arguments: ["pointer"], return: "uint64" },
  C_Finalize: { arguments: ["pointer"], return: "uint64" },
  C_GetSlotList: { arguments: ["uint8", "buffer", "buffer"], return: "uint64" },
  C_GetTokenInfo: { arguments: ["uint64", "buffer"], return: "uint64" },
  C_OpenSession: { arguments: ["uint64", "uint64", "pointer", "pointer", "buffer"], return: "uint64" },
  C_CloseSession: { arguments: ["uint64"], return: "uint64" },
  C_Login: { arguments: ["uint64", "uint64", "buffer", "uint64"], return: "uint64" },
  C_FindObjectsInit: { arguments: ["uint64", "buffer", "uint64"], return: "uint64" },
  C_FindObjects: { arguments: ["uint64", "buffer", "uint64", "buffer"], return: "uint64" },
  C_FindObjectsFinal: { arguments: ["uint64"], return: "uint64" },
  C_EncryptInit: { arguments: ["uint64", "buffer", "uint64"], return: "uint64" },
  C_Encrypt: { arguments: ["uint64", "buffer", "uint64", "buffer", "buffer"], return: "uint64" },
  C_DecryptInit: { arguments: ["uint64", "buffer", "uint64"], return: "uint64" },
  C_Decrypt: { arguments: ["uint64", "buffer", "uint64", "buffer", "buffer"], return: "uint64" },
} as const satisfies Ffi.FunctionDefinitions;

const OK = 0n;
const USER_ALREADY_LOGGED_IN = 0x100n;
const ALREADY_INITIALIZED = 0x191n;
const SERIAL_SESSION = 4n;
const USER = 1n;
const CKA_CLASS = 0n;
const CKA_LABEL = 3n;
const SECRET_KEY = 4n;
const AES_GCM = 0x1087n;
const TAG_BITS = 128n;
const MOST_SLOTS = 64;
/** CK_TOKEN_INFO has 204 bytes and begins with a label of 32, padded with spaces. */
const TOKEN_INFO_BYTES = 256;
const LABEL_BYTES = 32;

/** What failures of the module are told as; others by their number. */
const reasons: ReadonlyMap<bigint, string> = new Map([
  [0xa0n, "the PIN is wrong"],
  [0xa4n, "the PIN is locked"],
  [0x40n, "what was wrapped was changed, or under another key"],
  [0x41n, "what was wrapped has a wrong length"],
  [0x63n, "the key is of another kind than AES"],
  [0x68n, "the key may not be used for that"],
  [0x70n, "the module has no AES-GCM for this key, which should have 32 bytes"],
]);

export interface Cryptoki extends Disposable {
  /** @throws Error that says why; also where no token has the label */
  openSession(label: string, pin: string): CryptokiSession;
}

export interface CryptokiSession {
  /** @throws Error where there is none, or more than one */
  findKey(label: string): bigint;
  /** @returns the bytes and 16 of tag */
  encrypt(key: bigint, iv: Buffer, bound: Buffer, plain: Buffer): Buffer;
  decrypt(key: bigint, iv: Buffer, bound: Buffer, sealed: Buffer): Buffer;
}

/** @throws Error where Node.js has no `node:ffi`, the library does not open or is no such */
export async function loadCryptoki(library: string): Promise<Cryptoki> {
  if (process.platform === "win32") throw new Error("on Windows its structures are laid out otherwise");
  const ffi = await import("node:ffi");
  const { lib, functions: c } = ffi.dlopen(library, functions);
  const initialized = c.C_Initialize(0n);
  if (initialized !== ALREADY_INITIALIZED) check(initialized);
  const sessions: bigint[] = [];

  const slotOf = (label: string): bigint => {
    const slots = Buffer.alloc(8 * MOST_SLOTS);
    const count = number(BigInt(MOST_SLOTS));
    check(c.C_GetSlotList(1, slots, count));
    for (let i = 0; i < Number(count.readBigUInt64LE()); i++) {
      const slot = slots.readBigUInt64LE(8 * i);
      const info = Buffer.alloc(TOKEN_INFO_BYTES);
      // A slot whose token was taken out meanwhile is none.
      if (c.C_GetTokenInfo(slot, info) !== OK) continue;
      if (info.toString("utf8", 0, LABEL_BYTES).trimEnd() === label) return slot;
    }
    throw new Error("no token has this label");
  };

  /** Structures point at other memory, which has to outlive the call. */
  const mechanism = (iv: Buffer, bound: Buffer) => {
    const [ivAt, boundAt] = [ffi.getRawPointer(iv), bound.length === 0 ? 0n : ffi.getRawPointer(bound)];
    const parameters = numbers(
      ivAt,
      BigInt(iv.length),
      BigInt(iv.length * 8),
      boundAt,
      BigInt(bound.length),
      TAG_BITS,
    );
    const its = numbers(AES_GCM, ffi.getRawPointer(parameters), BigInt(parameters.length));
    return { its, outlives: [iv, bound, parameters] };
  };

  const sessionAt = (session: bigint): CryptokiSession => {
    const run = (
      begin: typeof c.C_EncryptInit,
      work: typeof c.C_Encrypt,
      { key, iv, bound, data, room }: { key: bigint; iv: Buffer; bound: Buffer; data: Buffer; room: number },
    ): Buffer => {
      const { its, outlives } = mechanism(copied(iv), copied(bound));
      check(begin(session, its, key));
      const result = Buffer.alloc(room);
      const length = number(BigInt(room));
      check(work(session, data, BigInt(data.length), result, length));
      // Used here, they are not collected before.
      for (const each of outlives) each.fill(0);
      return result.subarray(0, Number(length.readBigUInt64LE()));
    };
    return {
      findKey(label) {
        const kind = number(SECRET_KEY);
        const name = copied(Buffer.from(label));
        const template = numbers(
          ...[CKA_CLASS, ffi.getRawPointer(kind), BigInt(kind.length)],
          ...[CKA_LABEL, ffi.getRawPointer(name), BigInt(name.length)],
        );
        check(c.C_FindObjectsInit(session, template, 2n));
        const found = Buffer.alloc(16);
        const count = number(0n);
        const result = c.C_FindObjects(session, found, 2n, count);
        check(c.C_FindObjectsFinal(session));
        check(result);
        // Used here, they are not collected before.
        for (const each of [kind, name]) each.fill(0);
        if (count.readBigUInt64LE() === 1n) return found.readBigUInt64LE();
        throw new Error(count.readBigUInt64LE() === 0n ? "there is none" : "more than one has this label");
      },
      encrypt: (key, iv, bound, plain) =>
        run(c.C_EncryptInit, c.C_Encrypt, { key, iv, bound, data: plain, room: plain.length + 16 }),
      decrypt: (key, iv, bound, sealed) =>
        run(c.C_DecryptInit, c.C_Decrypt, { key, iv, bound, data: sealed, room: sealed.length }),
    };
  };

  return {
    openSession(label, pin) {
      const session = number(0n);
      check(c.C_OpenSession(slotOf(label), SERIAL_SESSION, 0n, 0n, session));
      const opened = session.readBigUInt64LE();
      sessions.push(opened);
      const bytes = Buffer.from(pin);
      const logged = c.C_Login(opened, USER, bytes, BigInt(bytes.length));
      bytes.fill(0);
      if (logged !== USER_ALREADY_LOGGED_IN) check(logged);
      return sessionAt(opened);
    },
    [Symbol.dispose]() {
      for (const each of sessions) c.C_CloseSession(each);
      // Whoever initialised the module goes on using it.
      if (initialized === OK) c.C_Finalize(0n);
      lib.close();
    },
  };
}

function check(result: number | bigint): void {
  const code = BigInt(result);
  if (code !== OK) throw new Error(reasons.get(code) ?? `the module answered 0x${code.toString(16)}`);
}

function numbers(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * i);
  return bytes;
}

const number = (value: bigint): Buffer => numbers(value);

/** Memory of its own, which is pointed at and cleared. */
function copied(bytes: Buffer): Buffer {
  const its = Buffer.alloc(bytes.length);
  bytes.copy(its);
  return its;
}
