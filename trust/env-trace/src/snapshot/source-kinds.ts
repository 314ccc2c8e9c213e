/** Every kind of source of variables, how it is written on a command line, and how a file's name tells it. A new one is a row. */
import { basename } from "node:path";
import { envTraceErrors } from "../errors.ts";

export interface SourceKind {
  /** One line, for the help. */
  readonly summary: string;
  /** What is there before a program starts, or what a process has. */
  readonly state: "persistent" | "live";
  /** Whether a path is of that kind, by its name alone. */
  guess(path: string): boolean;
}

export const sourceKinds = {
  environment: {
    summary: "/etc/environment, as pam_env reads it",
    state: "persistent",
    guess: (path) => /(^|\/)etc\/environment$/.test(path),
  },
  profile: {
    summary: "a profile of a shell: what it exports",
    state: "persistent",
    guess: (path) =>
      /(^|\/)(profile|\.profile|\.bash_profile|\.bash_login|\.bashrc|bash\.bashrc|\.zshenv|\.zprofile|\.zshrc)$|\/profile\.d\/[^/]+\.sh$/.test(
        path,
      ),
  },
  systemd: {
    summary: "a unit of systemd, with the drop-ins in UNIT.d beside it and its files",
    state: "persistent",
    guess: (path) => /\.(service|socket|mount|swap)$/.test(path),
  },
  dotenv: {
    summary: ".env, as Node.js reads it",
    state: "persistent",
    guess: (path) => /^\.env(\.|$)|\.env$/.test(basename(path)),
  },
  kubernetes: {
    summary: "manifests of Kubernetes; several files see each other's ConfigMaps and Secrets",
    state: "persistent",
    guess: () => false,
  },
  compose: {
    summary: "a Compose file",
    state: "persistent",
    guess: (path) => /^(docker-)?compose(\.[\w-]+)?\.ya?ml$/.test(basename(path)),
  },
  dockerfile: {
    summary: "a Dockerfile: what the image sets",
    state: "persistent",
    guess: (path) => /^(Dockerfile|Containerfile)(\.|$)|\.(dockerfile|containerfile)$/i.test(basename(path)),
  },
  registry: {
    summary: "a .reg export of Windows; several files are joined",
    state: "persistent",
    guess: (path) => /\.reg$/i.test(path),
  },
  "reg-query": {
    summary: "what reg query of Windows printed; joined with the exports",
    state: "persistent",
    guess: () => false,
  },
  process: {
    summary: "the environment that a process of Linux was started with, by its number",
    state: "live",
    guess: (path) => /^(\/proc\/)?\d+(\/environ)?$/.test(path),
  },
  self: {
    summary: "the environment of this very command",
    state: "live",
    guess: (path) => path === "self",
  },
} as const satisfies Readonly<Record<string, SourceKind>>;

export type SourceKindName = keyof typeof sourceKinds;

export interface SourceReference {
  readonly kind: SourceKindName;
  /** A path; the number of a process; "self". */
  readonly place: string;
}

const kinds: ReadonlyMap<string, SourceKind> = new Map(Object.entries(sourceKinds));

/** @param text "KIND:PLACE", or a place whose name tells its kind. @throws ENV_SOURCE_UNKNOWN */
export function parseSourceReference(text: string): SourceReference {
  const colon = text.indexOf(":");
  const named = colon < 0 ? "" : text.slice(0, colon);
  if (isKind(named)) return { kind: named, place: placeOf(named, text.slice(colon + 1)) };
  const path = text.replaceAll("\\", "/");
  const kind = [...kinds].find(([, each]) => each.guess(path))?.[0] ?? "";
  if (isKind(kind)) return { kind, place: placeOf(kind, text) };
  throw envTraceErrors.error(
    "ENV_SOURCE_UNKNOWN",
    `What kind of source "${text}" is does not follow from its name. Write KIND:${text}; the kinds are ${[...kinds.keys()].join(", ")}.`,
    { details: { source: text } },
  );
}

function isKind(name: string): name is SourceKindName {
  return kinds.has(name);
}

function placeOf(kind: SourceKindName, place: string): string {
  return kind === "process" ? (/\d+/.exec(place)?.[0] ?? place) : place;
}
