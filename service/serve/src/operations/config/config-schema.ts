/**
 * Everything that can be set about a server: the one schema that files and flags are checked with, that has the defaults
 * and says what each setting means. Null means "none". Three marks of our own stand beside JSON Schema's keywords:
 * `path` (relative to the file it stands in), `secret` (a reference to a secret, never the secret) and `redacted`.
 */
import Type, { type Static, type TSchema } from "typebox";
import { tokenAlgorithms } from "../../access/token.ts";
import { defaultLimits } from "../../listener/limits.ts";
import { breakerDefaults } from "../breaker-defaults.ts";

/** An object whose every key may be left out where its value has a default. */
const section = <Properties extends Record<string, TSchema>>(properties: Properties, description = "") =>
  Type.Object(properties, { additionalProperties: false, default: {}, description });
/** An object in a list: it has no default itself. */
const row = <Properties extends Record<string, TSchema>>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false });
/** What a row of models says otherwise: any of the settings of that section. */
const otherwise = <Properties extends Record<string, TSchema>>(properties: Properties, section: string) =>
  Type.Optional(
    Type.Partial(row(properties), { description: `Any setting of ${section}, otherwise for these models` }),
  );
const orNone = <Its extends TSchema>(its: Its, description: string) =>
  Type.Union([its, Type.Null()], { default: null, description });

const count = { minimum: 1 };
const milliseconds = { minimum: 0 };
/** What a timer of Node's can wait. */
const time = { minimum: 1, maximum: 2 ** 31 - 1 };
const name = Type.String({ minLength: 1 });
const named = (description: string) => Type.String({ minLength: 1, description });
const path = Type.String({ minLength: 1, path: true });
const pathTo = (description: string) => Type.String({ minLength: 1, path: true, description });
const secret = Type.String({
  pattern: "^\\$(ENV:[A-Za-z_][A-Za-z0-9_]*|FILE:.+)$",
  expects: "a reference to a secret: $ENV:NAME, or $FILE:PATH",
  secret: true,
});
const level = { default: "info" } as const;

/** Those of the listener's that depend on who calls and over which lines; the others are for nobody to turn. */
const connectionLimits = section({
  connections: Type.Integer({
    ...count,
    default: defaultLimits.connections,
    description: "Connections open at once, of a process",
  }),
  connectionsPerAddress: orNone(
    Type.Integer(count),
    "Of them, those of one IPv4 address or one IPv6 prefix of 64 bits. Behind a proxy all have its address",
  ),
  streams: Type.Integer({
    ...count,
    maximum: 2 ** 31 - 1,
    default: defaultLimits.streams,
    description: "HTTP/2 requests at once on one connection",
  }),
  headerBytes: Type.Integer({
    minimum: 1024,
    maximum: 2 ** 20,
    default: defaultLimits.headerBytes,
    description: "Bytes of a request's headers",
  }),
  headersMs: Type.Integer({
    ...time,
    default: defaultLimits.headersMs,
    description: "For the headers of an HTTP/1.1 request to arrive",
  }),
  requestMs: Type.Integer({
    ...time,
    default: defaultLimits.requestMs,
    description: "For a request with its body to arrive: more for large bodies over slow lines",
  }),
  idleMs: Type.Integer({
    ...time,
    default: defaultLimits.idleMs,
    description: "A connection without a request stays open: longer than the proxy in front keeps its own",
  }),
});

const listen = section({
  host: Type.String({
    minLength: 1,
    default: "127.0.0.1",
    description: "Address to listen at; 0.0.0.0 for all",
  }),
  port: Type.Integer({ minimum: 0, maximum: 65535, default: 8080, description: "Port; 0 for a free one" }),
  tls: orNone(
    row({
      certificate: pathTo("The certificate, with those between it and the root"),
      key: pathTo("Its private key"),
      clientAuthority: orNone(path, "Authority that signs the certificates of clients"),
      clientCertificate: Type.Enum(["required", "optional"], {
        default: "required",
        description: "With an authority: whether a client may come without one",
      }),
      tls12: Type.Boolean({ default: false, description: "Also take TLS 1.2" }),
    }),
    "Files in PEM. Without them the port is cleartext",
  ),
  cleartextAnywhere: Type.Boolean({
    default: false,
    description: "Cleartext at addresses that other machines reach: behind a proxy that ends TLS",
  }),
  limits: connectionLimits,
});

const versionName = Type.String({
  pattern: "^[1-9]\\d*$",
  expects: 'the number of a version as a text, such as "2"',
});
const versions = Type.Union(
  [Type.Integer(count), Type.Array(versionName, { minItems: 1 }), Type.Literal("all")],
  {
    default: 1,
    description: "The latest so many versions of a model, those of a list, or all",
    expects: "a whole number of at least 1, a list of version numbers as texts, or all",
  },
);

const repository = section({
  path: Type.String({
    minLength: 1,
    path: true,
    default: ".",
    description: "Folder of models, or one model file",
  }),
  mode: Type.Enum(["poll", "explicit"], {
    default: "poll",
    description: "Look for changes by itself, or load and unload when told to",
  }),
  pollMs: Type.Integer({ minimum: 100, default: 2_000, description: "Between two looks" }),
  versions,
});

const engine = section({
  threads: orNone(Type.Integer(count), "Engine threads of a run; none: the cores this process may use"),
  spins: Type.Boolean({
    default: false,
    description: "Whether engine threads spin while they wait: for cores that nothing else uses",
  }),
  instances: Type.Integer({
    ...count,
    default: 1,
    description:
      "Sessions of each version that run side by side; as many as cores, of one thread each, give the most images per second",
  }),
  trial: Type.Boolean({
    default: true,
    description: "Load and run every model once in a process of its own, with limits, before the server does",
  }),
  trialBytes: orNone(Type.Integer(count), "Memory of that process; none: 4 GiB, or half of the machine's"),
  trialMs: orNone(Type.Integer(count), "Time of that process; none: 120,000"),
  cacheFolder: orNone(
    path,
    "Folder of its own where the engine's form of each model is kept: the next start is faster, processes share weights",
  ),
});

const attestation = section({
  policy: orNone(
    path,
    "File that says whose seals count: every model must lie in a folder that is as it was sealed. Not with engine.cacheFolder",
  ),
});

const batching = {
  maxRows: Type.Integer({
    ...count,
    default: 16,
    description: "Rows of one run; 1: requests are not joined",
  }),
  maxDelayMs: Type.Number({
    minimum: 0,
    maximum: 60_000,
    default: 0,
    description: "How long a request waits for others while the engine is idle",
  }),
  maxQueued: Type.Integer({
    ...count,
    default: 256,
    description: "Requests that wait for one version of a model",
  }),
  maxQueuedBytes: Type.Integer({ ...count, default: 256 * 2 ** 20, description: "Bytes of their inputs" }),
};
const cache = {
  enabled: Type.Boolean({ default: false, description: "Answer equal requests from memory" }),
  ttlMs: Type.Integer({ ...count, default: 60_000, description: "How long an answer counts" }),
  negativeTtlMs: Type.Integer({ ...milliseconds, default: 1_000, description: "How long a refusal counts" }),
  maxBytes: Type.Integer({
    minimum: 2 ** 20,
    default: 64 * 2 ** 20,
    description: "Memory of all answers of a process",
  }),
};

const model = row({
  model: named("Name of a model, with * for anything"),
  batching: otherwise(batching, "batching"),
  cache: otherwise(cache, "cache"),
  versions: Type.Optional(versions),
});

const rate = row({
  perSecond: Type.Number({ exclusiveMinimum: 0, description: "Requests a second in the long run" }),
  burst: Type.Integer({ ...count, description: "Requests at once" }),
});
const limits = section({
  bodyLimit: Type.Integer({
    ...count,
    default: 64 * 2 ** 20,
    description: "Bytes of a request after decompression",
  }),
  inFlight: orNone(Type.Integer(count), "Requests answered at once"),
  inFlightPerKey: orNone(Type.Integer(count), "Requests of one caller answered at once"),
  rate: orNone(rate, "Requests a second of one caller, and how many of them at once"),
  defaultTimeoutMs: orNone(Type.Integer(count), "How long a call waits that does not say it"),
  maxTimeoutMs: orNone(Type.Integer(count), "A call that says more waits this long"),
});

const roles = Type.Array(name, { description: "What access.grants gives something to" });
export const keyRows = Type.Array(
  row({
    name: named("Stands in logs, as key:NAME"),
    sha256: Type.String({
      pattern: "^[0-9a-fA-F]{64}$",
      expects: "the SHA-256 of the key: 64 hexadecimal digits",
      redacted: true,
      description: "SHA-256 of the key, in hexadecimal: the key itself stands nowhere",
    }),
    roles,
    inFlight: orNone(Type.Integer(count), "Instead of limits.inFlightPerKey"),
    rate: orNone(rate, "Instead of limits.rate"),
  }),
  { default: [], description: "API keys" },
);
const jwt = row({
  jwks: Type.String({ minLength: 1, path: true, description: "JSON Web Key Set: a file, or a URL" }),
  algorithms: Type.Array(Type.Enum([...tokenAlgorithms]), {
    minItems: 1,
    default: ["RS256", "ES256"],
    description: "Signatures that count",
  }),
  issuer: named("The claim iss that a token must have"),
  audience: named("The claim aud that a token must have"),
  clockSkewSeconds: Type.Integer({
    minimum: 0,
    maximum: 600,
    default: 30,
    description: "By how much the clocks of issuer and server may differ",
  }),
  roleClaim: Type.String({
    minLength: 1,
    default: "roles",
    description: "A claim, or a path with dots to it",
  }),
  cooldownSeconds: Type.Integer({ minimum: 0, default: 30, description: "Between two readings of the keys" }),
  maxAgeSeconds: Type.Integer({ ...count, default: 600, description: "The keys are read again after" }),
});
const access = orNone(
  row({
    keys: keyRows,
    keysFile: orNone(path, "A file with more of them: a list of the same rows"),
    jwt: orNone(jwt, "Bearer tokens"),
    certificates: Type.Array(row({ commonName: named("Of the subject, with * for anything"), roles }), {
      default: [],
      description: "Client certificates",
    }),
    anonymousRoles: Type.Array(name, { default: [], description: "Roles of who shows nothing" }),
    grants: Type.Array(
      row({
        role: named("Of a key, a token, a certificate, or of who shows nothing"),
        models: Type.Array(name, { default: ["*"], description: "Names of models, with * for anything" }),
        actions: Type.Array(name, { minItems: 1, description: "Names of actions, with * for anything" }),
      }),
      { default: [], description: "Which role may do what with which models" },
    ),
  }),
  "Who may do what. Without it everybody may do everything but debug",
);

const breaker = section({
  windowMs: Type.Integer({
    minimum: 30,
    default: breakerDefaults.windowMs,
    description: "The calls of so long count",
  }),
  minimumCalls: Type.Integer({
    ...count,
    default: breakerDefaults.minimumCalls,
    description: "Below it, never opens",
  }),
  errorShare: Type.Number({
    exclusiveMinimum: 0,
    maximum: 1,
    default: breakerDefaults.errorShare,
    description: "Opens when more than this share of them failed; 1: never",
  }),
  openMs: Type.Integer({ ...count, default: breakerDefaults.openMs, description: "Until it tries again" }),
  probes: Type.Integer({ ...count, default: breakerDefaults.probes, description: "Calls it tries with" }),
});

/** REST and gRPC are always on. */
const faces = section({
  connect: Type.Boolean({ default: true, description: "Speak Connect beside gRPC" }),
  grpcWeb: Type.Boolean({ default: true, description: "Speak gRPC-Web beside gRPC" }),
  websocket: Type.Boolean({ default: true, description: "Take calls of browsers by WebSocket" }),
  graphql: Type.Boolean({ default: true, description: "Answer GraphQL at /graphql" }),
});
const cors = section({
  origins: Type.Array(name, { default: [], description: 'Origins of pages that may call; "*" for all' }),
  maxAgeSeconds: Type.Integer({
    minimum: 0,
    default: 600,
    description: "How long a browser may remember it",
  }),
});
const tracing = section({
  endpoint: orNone(name, "URL of an OTLP collector for traces over HTTP"),
  authorization: orNone(secret, "Value of the header Authorization that the collector wants"),
  sampleShare: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: "Of requests without a trace of their own",
  }),
  service: Type.String({ minLength: 1, default: "cupel", description: "service.name of the spans" }),
});
const logging = section({
  level: Type.Enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"], {
    ...level,
    description: "Lines of this level and above",
  }),
  requests: Type.Enum(["off", "trace", "debug", "info"], {
    ...level,
    description: "Level of the line a request",
  }),
  regionHeader: orNone(
    Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$", expects: "the name of a header" }),
    "Header in which the edge says where a request comes from; the line has it as region",
  ),
});
const graphql = section({
  introspection: Type.Boolean({ default: true, description: "Tell the schema to who asks for it" }),
  maxDepth: Type.Integer({
    ...count,
    maximum: 100,
    default: 16,
    description: "Fields of a query within each other",
  }),
  maxCost: Type.Integer({
    ...count,
    default: 10_000,
    description: "Objects that a query may ask for, each by the most there are of it; a run counts 100",
  }),
  cacheMs: Type.Integer({
    ...milliseconds,
    default: 1_000,
    description: "How long metadata and statistics count that were told before; 0: they are not kept",
  }),
});
const admin = section({
  enabled: Type.Boolean({ default: true, description: "Serve /metrics and /debug" }),
  profileSeconds: Type.Integer({ ...count, maximum: 600, default: 60, description: "The longest profile" }),
  heapBytes: Type.Integer({ ...count, default: 2 ** 31, description: "The largest heap snapshot" }),
});

export const configSchema = section({
  listen,
  repository,
  attestation,
  engine,
  batching: section(batching),
  cache: section(cache),
  models: Type.Array(model, {
    default: [],
    description: "Settings of models by name, with *; the first row that fits",
  }),
  limits,
  access,
  breaker,
  faces,
  cors,
  tracing,
  logging,
  graphql,
  processes: Type.Integer({ ...count, default: 1, description: "Processes that share the port" }),
  admin,
});

export type ServeConfig = Static<typeof configSchema>;
