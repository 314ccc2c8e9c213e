/**
 * Who keeps the keys that all else is wrapped under. A provider is asked when a record is opened, never for an event. It MUST NOT
 * log a key, and its errors MUST NOT carry one: they name keys by their ids.
 */
export interface KeyProvider extends AsyncDisposable {
  /** For messages: "the key file /etc/cupel/keys". */
  readonly name: string;
  /** What is wrapped from now on is wrapped under this key. @throws KEY_PROVIDER_UNAVAILABLE, MASKING_KEY_INVALID */
  currentKeyId(): Promise<string>;
  /** @throws KEY_PROVIDER_UNAVAILABLE, MASKING_KEY_INVALID where it has no such key */
  wrap(keyId: string, plain: Uint8Array): Promise<Uint8Array>;
  /** @throws KEY_PROVIDER_UNAVAILABLE; MASKING_KEY_INVALID where it has no such key or another was used */
  unwrap(keyId: string, wrapped: Uint8Array): Promise<Buffer>;
}
