/**
 * SM2 signatures (GB/T 32918.2, with SM3 and the curve of GB/T 32918.5) with the signer's ID in the digest, which
 * node:crypto cannot set. What touches the private key in curve arithmetic is done by OpenSSL; verification computes
 * with public values only.
 *
 * With ID, the length ENTL of it in bits, the curve's a, b, G and the public key P:
 *
 *     Z = SM3(ENTL || ID || a || b || xG || yG || xP || yP)      e = SM3(Z || message)
 *     sign     (x, _) = k·G,  r = e + x,  s = (k - r·d) / (1 + d)         mod n
 *     verify   (x, _) = s·G + (r + s)·P,  r = e + x                       mod n
 */
import { createECDH, hash, randomBytes } from "node:crypto";

/** Of GB/T 35276 where nothing else was agreed; the openssl command has it as `-sigopt distid:`. */
const signerId = Buffer.from("1234567812345678");

const p = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const a = p - 3n;
const b = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const n = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const generator = {
  x: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  y: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
} as const;

const size = 32;

/** Of SubjectPublicKeyInfo and of PKCS#8 as OpenSSL writes them: all before the point, or before the number. */
const publicKeyHead = Buffer.from("3059301306072a8648ce3d020106082a811ccf5501822d034200", "hex");
const privateKeyHead = Buffer.from(
  "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420",
  "hex",
);

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** @param spki DER of a public key. Null where it is none of SM2, uncompressed. */
export function sm2PublicPoint(spki: Buffer): Buffer | null {
  const isSm2 = spki.subarray(0, publicKeyHead.length).equals(publicKeyHead);
  const point = spki.subarray(publicKeyHead.length);
  return isSm2 && point.length === 1 + 2 * size && point[0] === 4 ? point : null;
}

/** @param pkcs8 DER of a private key. Null where it is none of SM2. */
export function sm2PrivateNumber(pkcs8: Buffer): Buffer | null {
  const isSm2 = pkcs8.subarray(0, privateKeyHead.length).equals(privateKeyHead);
  return isSm2 ? pkcs8.subarray(privateKeyHead.length, privateKeyHead.length + size) : null;
}

/** In DER. @param point uncompressed, with its leading 4 */
export function sm2Sign(privateNumber: Buffer, point: Buffer, message: Uint8Array): Buffer {
  const d = numberOf(privateNumber);
  const e = digestOf(point, message);
  for (;;) {
    const secret = randomBytes(size);
    const k = numberOf(secret);
    if (k === 0n || k >= n) continue;
    const ecdh = createECDH("SM2");
    ecdh.setPrivateKey(secret);
    const r = modulo(e + numberOf(ecdh.getPublicKey().subarray(1, 1 + size)), n);
    const s = modulo((k - r * d) * inverse(1n + d, n), n);
    if (r !== 0n && r + k !== n && s !== 0n) return derSignature(r, s);
  }
}

/** @param point on the curve, uncompressed, with its leading 4 */
export function sm2Verify(point: Buffer, message: Uint8Array, signature: Uint8Array): boolean {
  const numbers = parseDerSignature(Buffer.from(signature));
  if (numbers === null) return false;
  const [r, s] = numbers;
  const t = modulo(r + s, n);
  if (![r, s].every((each) => each > 0n && each < n) || t === 0n) return false;
  const key = { x: numberOf(point.subarray(1, 1 + size)), y: numberOf(point.subarray(1 + size)) };
  const x = sumOfMultiples(s, generator, t, key);
  return x !== null && modulo(digestOf(point, message) + x, n) === r;
}

function digestOf(point: Buffer, message: Uint8Array): bigint {
  const bits = Buffer.alloc(2);
  bits.writeUInt16BE(8 * signerId.length);
  const { x, y } = generator;
  const z = hash(
    "sm3",
    Buffer.concat([bits, signerId, ...[a, b, x, y].map(bytesOf), point.subarray(1)]),
    "buffer",
  );
  return numberOf(hash("sm3", Buffer.concat([z, message]), "buffer"));
}

/** In Jacobian coordinates: x = X / Z², y = Y / Z³; Z = 0 at infinity. */
type Jacobian = readonly [bigint, bigint, bigint];
const infinity: Jacobian = [1n, 1n, 0n];

/** The x of s·P + t·Q, null at infinity. */
function sumOfMultiples(s: bigint, one: Point, t: bigint, other: Point): bigint | null {
  let sum = infinity;
  for (let bit = BigInt(8 * size) - 1n; bit >= 0n; bit--) {
    sum = doubled(sum);
    if ((s >> bit) & 1n) sum = added(sum, one);
    if ((t >> bit) & 1n) sum = added(sum, other);
  }
  const [x, , z] = sum;
  return z === 0n ? null : modulo(x * inverse(z * z, p), p);
}

function doubled([x, y, z]: Jacobian): Jacobian {
  const yy = modulo(y * y, p);
  const s = modulo(4n * x * yy, p);
  const zz = modulo(z * z, p);
  const m = modulo(3n * x * x + a * zz * zz, p);
  const x3 = modulo(m * m - 2n * s, p);
  return [x3, modulo(m * (s - x3) - 8n * yy * yy, p), modulo(2n * y * z, p)];
}

function added([x, y, z]: Jacobian, point: Point): Jacobian {
  if (z === 0n) return [point.x, point.y, 1n];
  const zz = modulo(z * z, p);
  const h = modulo(point.x * zz - x, p);
  const r = modulo(point.y * zz * z - y, p);
  if (h === 0n) return r === 0n ? doubled([x, y, z]) : infinity;
  const hh = modulo(h * h, p);
  const v = modulo(x * hh, p);
  const x3 = modulo(r * r - hh * h - 2n * v, p);
  return [x3, modulo(r * (v - x3) - y * hh * h, p), modulo(z * h, p)];
}

/** By Fermat; the modulus is prime. */
function inverse(value: bigint, prime: bigint): bigint {
  let power = 1n;
  let square = modulo(value, prime);
  for (let exponent = prime - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) power = (power * square) % prime;
    square = (square * square) % prime;
  }
  return power;
}

function modulo(value: bigint, by: bigint): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function bytesOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * size, "0"), "hex");
}

function derSignature(r: bigint, s: bigint): Buffer {
  const integers = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.of(0x30, integers.length), integers]);
}

function derInteger(value: bigint): Buffer {
  const bytes = bytesOf(value);
  const shortest = bytes.subarray(Math.min(bytes.findIndex((byte) => byte !== 0) >>> 0, size - 1));
  const content = (shortest[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), shortest]) : shortest;
  return Buffer.concat([Buffer.of(0x02, content.length), content]);
}

/** Null where it is not exactly what `derSignature` would write. */
function parseDerSignature(bytes: Buffer): readonly [bigint, bigint] | null {
  const lengthR = bytes[3] ?? 0;
  const lengthS = bytes[4 + lengthR + 1] ?? 0;
  const r = bytes.subarray(4, 4 + lengthR);
  const s = bytes.subarray(4 + lengthR + 2);
  if ([r, s].some((each) => each.length === 0 || each.length > 1 + size) || s.length !== lengthS) return null;
  const numbers = [numberOf(r), numberOf(s)] as const;
  if (numbers.some((each) => each >= 1n << BigInt(8 * size))) return null;
  return derSignature(...numbers).equals(bytes) ? numbers : null;
}
