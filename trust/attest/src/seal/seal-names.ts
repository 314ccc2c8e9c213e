/** The two files of a seal, and the one that stands beside them while they are written. */
export const attestationName = "attestation.json";
export const signatureName = "model.sig";
/** One writer at a time: see `lockFile`. Not sealed, and a difference where it stays. */
export const lockName = `${attestationName}.lock`;

/** Outside of the manifest of an attestation. model.sig covers attestation.json. */
export const sealNames: readonly string[] = [attestationName, signatureName];
