/**
 * Who may import whom: the table of docs/ and of every review. `base` is open to all and needs no mention. Arrows
 * are read transitively: who may import `predict` may import what `predict` may import.
 *
 * A new package is a row here. A row may stand before its folder does.
 */
export interface GuardTable {
  /** A package's name without `@cupel/`, and the packages it may import. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** Folders of the repository that are no package. Nobody imports from them. */
  readonly folders: Readonly<Record<string, readonly string[]>>;
  /** Folders of a package whose files are not published as they are: they may use development dependencies. */
  readonly developmentFolders: readonly string[];
  readonly exceptions: readonly Exception[];
  /** Dependencies that no source imports, each with the reason why it is there. */
  readonly keptDependencies: Readonly<Record<string, string>>;
}

/** One import that is allowed against the rules. An exception that nothing needs any more is refused. */
export interface Exception {
  /** A file, or a folder that ends with "/". */
  readonly files: string;
  /** What is imported; null for an import whose name is computed. */
  readonly specifier: string | null;
  readonly reason: string;
}

const model = ["onnx", "runtime", "vision", "predict", "train", "report", "compress", "profile"];
const service = ["shared-map", "serve", "client", "wan"];
const trust = ["audit", "attest", "env-trace"];

export const guardTable: GuardTable = {
  packages: {
    base: [],
    onnx: [],
    runtime: ["onnx"],
    vision: [],
    predict: ["onnx", "runtime", "vision"],
    train: ["onnx", "runtime", "vision", "predict"],
    report: ["onnx", "runtime", "vision", "predict"],
    compress: ["onnx", "runtime", "vision", "predict", "train", "report"],
    profile: ["onnx", "runtime"],
    "shared-map": [],
    serve: ["predict", "runtime", "shared-map"],
    client: [],
    wan: ["client"],
    audit: [],
    attest: [],
    "env-trace": [],
    console: ["report", "profile"],
    cli: [...model, ...service, ...trust, "console"],
    bench: [...model, ...service, ...trust],
  },
  folders: {
    tools: [...model, ...service, ...trust, "console", "cli"],
    examples: [...model, ...service, ...trust],
  },
  developmentFolders: ["test", "tools", "pages", "shared"],
  exceptions: [
    {
      files: "model/report/test/end-to-end.test.ts",
      specifier: "@cupel/compress",
      reason: "reports on a model as compress writes it",
    },
    {
      files: "service/serve/test/",
      specifier: "@cupel/client",
      reason: "the suite of behaviours runs through the client too, and a page in a browser has it",
    },
    {
      files: "app/console/src/build-page.ts",
      specifier: "vite",
      reason: "builds the pages in the repository; the published package carries them built",
    },
    {
      files: "app/cli/bin/cupel.js",
      specifier: null,
      reason: "starts the command from its sources or as published, whichever is there",
    },
    {
      files: "model/runtime/src/session/engine-package.ts",
      specifier: null,
      reason: "the engine's package depends on the platform",
    },
    {
      files: "tools/test/error-codes.test.ts",
      specifier: null,
      reason: "reads the table of errors of every package there is",
    },
    {
      files: "service/shared-map/tools/compile-core.ts",
      specifier: null,
      reason: "the compiler's types are not the repository's: its name is a constant there",
    },
    {
      files: "service/serve/test/websocket/framing.test.ts",
      specifier: "../../../client/src/websocket/frame.ts",
      reason: "what the two sides of the protocol say of the same bytes",
    },
    {
      files: "service/serve/test/",
      specifier: "../../../client/src/websocket/transport.ts",
      reason: "the client of the WebSocket face, which depends on the server in its own tests",
    },
    {
      files: "tools/conformance/start-server.ts",
      specifier: "../../service/serve/tools/conformance-server.ts",
      reason: "starts, in a process of its own, a server on the models that the package's tests have",
    },
    {
      files: "tools/conformance/connect-conformance.ts",
      specifier: "../../service/serve/tools/connect-conformance-server.ts",
      reason: "starts a service of others, which no package publishes, on the server's own listener",
    },
    {
      files: "tools/conformance/connect-conformance.ts",
      specifier: "../../service/serve/tools/connect-conformance-client.ts",
      reason: "calls a service of others, which no package publishes, by the transports of a client",
    },
    {
      files: "tools/zoo/",
      specifier: "../../model/compress/tools/remove-some.ts",
      reason:
        "prunes the zoo without compressing it, and the package publishes the whole line of stages only",
    },
    {
      files: "tools/fuzz/targets.ts",
      specifier: "../../trust/attest/tools/try-bundle.ts",
      reason: "fuzzes what reads signatures, of which the package publishes the verdict only",
    },
  ],
  keptDependencies: {
    "@biomejs/biome": "npm run lint and format",
    "@types/node": "types of node:",
    "@types/ws": "types of ws",
    assemblyscript: "service/shared-map/tools/compile-core.ts",
    typescript: "npm run typecheck and build",
  },
};
