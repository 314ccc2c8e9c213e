/**
 * Environments of the containers that Kubernetes manifests describe (core/v1 Container): `env`, `envFrom`, references to a ConfigMap or
 * Secret that is among the same files, `$(NAME)`. What the cluster alone knows is `computed`.
 */
import { own } from "@cupel/base";
import { invalidSource, longestExpansion, type ParsedSource, type Statement, tooLong } from "../statement.ts";
import {
  isMapping,
  listAt,
  type Mapping,
  mappingAt,
  textAt,
  valueAt,
  yamlMappings,
} from "./yaml-documents.ts";

export interface Manifest {
  readonly where: string;
  readonly text: string;
}

/** An environment of its own among several that files describe. */
export interface ContainerEnvironment extends ParsedSource {
  /** "Deployment/web app": the object, with its namespace where it has one, and the container. */
  readonly scope: string;
  /** Of the manifests, by index. */
  readonly source: number;
}

/** Where a kind has its pod. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  PodTemplate: ["template", "spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};
const containerLists = ["initContainers", "containers", "ephemeralContainers"];

interface KubernetesObject {
  readonly kind: string;
  readonly value: Mapping;
  readonly source: number;
  readonly where: string;
}

/** @throws ENV_SOURCE_INVALID */
export function parseKubernetes(manifests: readonly Manifest[]): ContainerEnvironment[] {
  const objects = manifests.flatMap(({ where, text }, source) =>
    yamlMappings(text, where).flatMap((value) => [...objectsIn(value, source, where)]),
  );
  const data = new Map(objects.flatMap((object) => dataOf(object)));
  return objects.flatMap((object) => {
    const path = own(podPaths, object.kind);
    if (path === undefined) return [];
    const pod = mappingAt(object.value, ...path);
    return containerLists.flatMap((list) =>
      listAt(pod, list).map((container, at): ContainerEnvironment => {
        const namespace = namespaceOf(object.value);
        const owner = `${namespace === "" ? "" : `${namespace}/`}${object.kind}/${textAt(object.value, "metadata", "name") ?? "unnamed"}`;
        const scope = `${owner} ${textAt(container, "name") ?? `${list}[${at}]`}`;
        const reader = new ContainerReader(`${object.where}, ${scope}`, namespace, data);
        return { scope, source: object.source, ...reader.read(container) };
      }),
    );
  });
}

function* objectsIn(value: Mapping, source: number, where: string): Iterable<KubernetesObject> {
  const kind = textAt(value, "kind");
  if (kind === null)
    throw invalidSource(where, null, 'a document has no "kind": it is no manifest of Kubernetes');
  if (!kind.endsWith("List")) {
    yield { kind, value, source, where };
    return;
  }
  for (const item of listAt(value, "items")) {
    // In a typed list, such as PodList, items need not say what they are.
    if (isMapping(item)) yield* objectsIn({ kind: kind.slice(0, -4), ...item }, source, where);
  }
}

function namespaceOf(value: Mapping): string {
  return textAt(value, "metadata", "namespace") ?? "";
}

type DataMap = ReadonlyMap<string, string>;

function dataKey(kind: "ConfigMap" | "Secret", namespace: string, name: string): string {
  return JSON.stringify([kind, namespace, name]);
}

function dataOf({ kind, value, where }: KubernetesObject): [string, DataMap][] {
  if (kind !== "ConfigMap" && kind !== "Secret") return [];
  const name = textAt(value, "metadata", "name") ?? "";
  const entries = new Map<string, string>();
  const put = (member: string, decode: (text: string) => string | null) => {
    for (const [key, text] of Object.entries(mappingAt(value, member))) {
      const decoded = typeof text === "string" ? decode(text) : null;
      if (decoded === null)
        throw invalidSource(
          where,
          null,
          `${kind} ${name}: ${member}.${key} must be a text${member === "data" && kind === "Secret" ? " in base64" : ""}`,
        );
      entries.set(key, decoded);
    }
  };
  if (kind === "ConfigMap") put("data", (text) => text);
  else {
    put("data", decodeBase64);
    put("stringData", (text) => text);
  }
  return [[dataKey(kind, namespaceOf(value), name), entries]];
}

function decodeBase64(text: string): string | null {
  const plain = text.replaceAll(/\s/g, "");
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(plain) && plain.length % 4 === 0;
  return isBase64 ? Buffer.from(plain, "base64").toString("utf8") : null;
}

const sources = [
  ["ConfigMap", "configMapRef", "configMapKeyRef"],
  ["Secret", "secretRef", "secretKeyRef"],
] as const;

class ContainerReader {
  readonly #where: string;
  readonly #namespace: string;
  readonly #data: ReadonlyMap<string, DataMap>;
  readonly #statements = new Map<string, Statement>();
  readonly #remarks: string[] = [];

  constructor(where: string, namespace: string, data: ReadonlyMap<string, DataMap>) {
    this.#where = where;
    this.#namespace = namespace;
    this.#data = data;
  }

  read(container: unknown): ParsedSource {
    for (const from of listAt(container, "envFrom")) this.#takeAll(from);
    for (const entry of listAt(container, "env")) this.#take(entry);
    return { statements: [...this.#statements.values()], remarks: this.#remarks };
  }

  /** Those of `env` win over all of `envFrom`, and later ones over earlier. */
  #takeAll(from: unknown): void {
    const prefix = textAt(from, "prefix") ?? "";
    for (const [kind, reference] of sources) {
      if (valueAt(from, reference) === undefined) continue;
      const name = textAt(from, reference, "name") ?? "";
      const entries = this.#data.get(dataKey(kind, this.#namespace, name));
      if (entries !== undefined) {
        for (const [key, value] of entries) this.#put({ kind: "set", name: prefix + key, value, line: null });
      } else if (valueAt(from, reference, "optional") !== true) {
        this.#remarks.push(
          `${this.#where}: all of the ${kind} ${name} is taken, which is not in these files; its names are not known.`,
        );
      }
    }
  }

  #take(entry: unknown): void {
    const name = textAt(entry, "name");
    if (name === null) throw invalidSource(this.#where, null, "an entry of env has no name");
    const value = valueAt(entry, "value");
    const from = valueAt(entry, "valueFrom");
    if (from !== undefined && from !== null) this.#takeFrom(name, from);
    else if (value === undefined || value === null) this.#put({ kind: "set", name, value: "", line: null });
    else if (typeof value !== "string") {
      throw invalidSource(
        this.#where,
        null,
        `the value of ${name} must be a text, as Kubernetes asks for: put it into quotes`,
      );
    } else this.#put(this.#expanded(name, value));
  }

  #takeFrom(name: string, from: unknown): void {
    for (const [kind, , reference] of sources) {
      if (valueAt(from, reference) === undefined) continue;
      const [owner, key] = [textAt(from, reference, "name") ?? "", textAt(from, reference, "key") ?? ""];
      const entries = this.#data.get(dataKey(kind, this.#namespace, owner));
      const value = entries?.get(key);
      if (value !== undefined) this.#put({ kind: "set", name, value, line: null });
      else if (entries === undefined || valueAt(from, reference, "optional") !== true) {
        this.#computed(name, `it is ${key} of the ${kind} ${owner}, which is not in these files`);
      }
      return;
    }
    this.#computed(name, "the cluster knows it when the container starts");
  }

  /** `$(NAME)` of what stands before, `$$` for a dollar sign; one that is not known stays as it is. */
  #expanded(name: string, text: string): Statement {
    let value = "";
    for (let at = 0; at < text.length; at++) {
      const next = text[at + 1];
      const close = text[at] === "$" && next === "(" ? text.indexOf(")", at + 2) : -1;
      if (close >= 0) {
        const reference = text.slice(at + 2, close);
        const known = this.#statements.get(reference);
        if (known?.kind === "set") value += known.value;
        else if (known !== undefined || /_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/.test(reference)) {
          return {
            kind: "computed",
            name,
            line: null,
            why: `it refers to ${reference}, which is not known here`,
          };
        } else value += text.slice(at, close + 1);
        at = close;
      } else if (text[at] === "$" && next === "$") {
        value += "$";
        at++;
      } else value += text[at];
      if (value.length > longestExpansion) return { kind: "computed", name, line: null, why: tooLong };
    }
    return { kind: "set", name, value, line: null };
  }

  #computed(name: string, why: string): void {
    this.#put({ kind: "computed", name, line: null, why });
  }

  #put(statement: Statement): void {
    this.#statements.delete(statement.name);
    this.#statements.set(statement.name, statement);
  }
}
