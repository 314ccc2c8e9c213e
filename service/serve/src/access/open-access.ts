/** What the door needs, made from the configuration: who is known, what they may do, and how much. */
import { type Clock, readRegular, reasonOf, starPattern, suggest, systemClock } from "@cupel/base";
import { serveErrors } from "../errors.ts";
import type { ServeConfig } from "../operations/config/config-schema.ts";
import { type KeyRow, parseKeyRows } from "../operations/config/load-config.ts";
import { actions } from "../operations/label-bounds.ts";
import { createApiKeys } from "./api-key.ts";
import { type Authentication, createAuthentication, noAuthentication } from "./authenticate.ts";
import type { AdmissionLimits, CallerLimits } from "./create-admission.ts";
import { createKeySet } from "./key-set.ts";
import { createPolicy, openPolicy, type Policy } from "./policy.ts";
import { createTokenVerifier } from "./token.ts";

export interface Access {
  readonly authentication: Authentication;
  readonly policy: Policy;
  readonly limits: AdmissionLimits;
}

/** @throws CONFIG_INVALID where the file of keys cannot be used, or two keys have one name */
export async function openAccess(config: ServeConfig, clock: Clock = systemClock): Promise<Access> {
  const { access, limits } = config;
  const perKey: CallerLimits = { inFlight: limits.inFlightPerKey, rate: limits.rate };
  const { inFlight, defaultTimeoutMs, maxTimeoutMs } = limits;
  const shared = { inFlight, perKey, defaultTimeoutMs, maxTimeoutMs };
  if (access === null) {
    return { authentication: noAuthentication, policy: openPolicy, limits: shared };
  }
  const rows = [...access.keys, ...(access.keysFile === null ? [] : await readKeyRows(access.keysFile))];
  refuseTwins(rows);
  refuseIdleActions(access.grants);
  if (access.jwt !== null) refuseOpenKeys(access.jwt.jwks);
  const callers = rows
    .filter((row) => row.inFlight !== null || row.rate !== null)
    .map((row): [string, CallerLimits] => [
      `key:${row.name}`,
      { inFlight: row.inFlight ?? perKey.inFlight, rate: row.rate ?? perKey.rate },
    ]);
  const { jwt } = access;
  return {
    authentication: createAuthentication({
      keys: rows.length === 0 ? undefined : createApiKeys(rows),
      tokens:
        jwt === null
          ? undefined
          : createTokenVerifier({
              ...jwt,
              clock,
              keys: createKeySet({
                jwks: jwt.jwks,
                cooldownMs: jwt.cooldownSeconds * 1000,
                maxAgeMs: jwt.maxAgeSeconds * 1000,
                clock,
              }),
            }),
      certificates: access.certificates,
      anonymousRoles: access.anonymousRoles,
    }),
    policy: createPolicy(access.grants),
    limits: { ...shared, callers: new Map(callers) },
  };
}

async function readKeyRows(path: string): Promise<KeyRow[]> {
  let text: string;
  try {
    text = (await readRegular(path)).toString("utf8");
  } catch (thrown) {
    throw serveErrors.error(
      "CONFIG_INVALID",
      `The file of keys ${path} cannot be read: ${reasonOf(thrown)}.`,
      {
        details: { pointer: "/access/keysFile" },
        cause: thrown,
      },
    );
  }
  return parseKeyRows(path, text);
}

/** Two keys of one name would share limits and stand as one in the record. */
function refuseTwins(rows: readonly KeyRow[]): void {
  for (const field of ["name", "sha256"] as const) {
    const values = rows.map((row) => row[field].toLowerCase());
    const at = values.findIndex((value, i) => values.indexOf(value) < i);
    if (at < 0) continue;
    throw serveErrors.error(
      "CONFIG_INVALID",
      `Two API keys have the same ${field}: that of "${rows[at]!.name}". Give each its own.`,
      { details: { pointer: "/access/keys", expected: `keys that differ in ${field}` } },
    );
  }
}

/** A pattern that fits no action grants nothing: whoever wrote it meant another word. */
function refuseIdleActions(grants: NonNullable<ServeConfig["access"]>["grants"]): void {
  grants.forEach((grant, i) => {
    grant.actions.forEach((pattern, j) => {
      if (actions.some(starPattern(pattern))) return;
      const meant = suggest(pattern, actions);
      const advice = meant === null ? `Known are ${actions.join(", ")}.` : `Did you mean "${meant}"?`;
      throw serveErrors.error("CONFIG_INVALID", `"${pattern}" is no action. ${advice}`, {
        details: { pointer: `/access/grants/${i}/actions/${j}`, expected: `one of ${actions.join(", ")}` },
      });
    });
  });
}

/** Whoever can change the keys on their way here can sign every token. */
function refuseOpenKeys(jwks: string): void {
  if (!/^http:/i.test(jwks) || isLoopback(new URL(jwks).hostname)) return;
  throw serveErrors.error(
    "CONFIG_INVALID",
    "The key set is fetched without TLS from another machine. Use https, or a file.",
    { details: { pointer: "/access/jwt/jwks", expected: "a file, or a URL that begins with https" } },
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}
