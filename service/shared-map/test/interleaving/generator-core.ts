/**
 * Makes generators of the core's sources, for the explorer: the text that is compiled to WebAssembly is the
 * text that is checked. Types are blanked out, so lines stay what they are. Each function that comes to an
 * operation of the machine, however deep, becomes a generator that stops there; the others stay functions.
 */
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import {
  type CallExpression,
  type FunctionDeclaration,
  type Node,
  parse,
  type Program as Syntax,
} from "acorn";
import type { ModelMachine, Result } from "./model-machine.ts";
import { operationNumbers, PAUSE, plainAccesses, plainStores } from "./operations.ts";

export type CoreProgram = Generator<number, Result | undefined, Result>;
export type ModelCore = Readonly<Record<string, (...parameters: (number | boolean)[]) => CoreProgram>>;

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface Module {
  /** Without the ending. */
  readonly name: string;
  readonly text: string;
  readonly syntax: Syntax;
  readonly edits: Edit[];
  readonly imports: { name: string; from: string }[];
  readonly functions: FunctionDeclaration[];
  readonly constants: { name: string; value: Node }[];
  readonly exported: Set<string>;
}

const coreFolder = new URL("../../src/core/", import.meta.url);

/**
 * All functions of the core, on a machine; exported or not. `constants` gives constants of modules other
 * values, such as `{ SPINS: 0 }`. A private name that two files use gets the file's: `finish$vacate`. With
 * `pausing`, functions stop before plain stores too: a thread can die there.
 */
export function loadCore(
  machine: ModelMachine,
  constants: Readonly<Record<string, number>> = {},
  pausing = false,
): ModelCore {
  const modules = readdirSync(coreFolder)
    .filter((file) => file.endsWith(".ts") && file !== "machine.ts")
    .map((file) => readModule(file.slice(0, -3), readFileSync(new URL(file, coreFolder), "utf8")));
  return link(machine, modules, constants, pausing);
}

/** The same for a module given as text, named `program`. */
export function loadProgram(machine: ModelMachine, text: string): ModelCore {
  return link(machine, [readModule("program", text)], {}, false);
}

function readModule(name: string, source: string): Module {
  const text = stripTypeScriptTypes(source);
  const syntax = parse(text, { ecmaVersion: "latest", sourceType: "module", locations: true });
  const module: Module = {
    name,
    text,
    syntax,
    edits: [],
    imports: [],
    functions: [],
    constants: [],
    exported: new Set(),
  };
  for (const statement of syntax.body) {
    if (statement.type === "ImportDeclaration") {
      const from = String(statement.source.value).replace(/^\.\/(.*)\.ts$/, "$1");
      for (const specifier of statement.specifiers) module.imports.push({ name: specifier.local.name, from });
      module.edits.push({ from: statement.start, to: statement.end, text: "" });
    } else if (statement.type === "ExportNamedDeclaration" && statement.source) {
      module.edits.push({ from: statement.start, to: statement.end, text: "" });
    } else if (statement.type === "ExportNamedDeclaration" && statement.declaration) {
      module.edits.push({ from: statement.start, to: statement.declaration.start, text: "" });
      for (const declared of declare(module, statement.declaration)) module.exported.add(declared);
    } else {
      declare(module, statement);
    }
  }
  return module;
}

/** Notes functions and constants of a module. Returns their names. */
function declare(module: Module, statement: Node): string[] {
  const node = statement as Syntax["body"][number];
  if (node.type === "FunctionDeclaration") {
    module.functions.push(node);
    return [node.id.name];
  }
  if (node.type === "VariableDeclaration" && node.kind === "const") {
    return node.declarations.map(({ id, init }) => {
      if (id.type !== "Identifier" || !init) throw new Error(`${module.name}.ts: a constant without a value`);
      module.constants.push({ name: id.name, value: init });
      return id.name;
    });
  }
  throw new Error(`${module.name}.ts:${node.loc?.start.line}: neither a function nor a constant`);
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of Object.values(node)) {
    for (const part of Array.isArray(child) ? child : [child]) if (isNode(part)) walk(part, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function callsIn(node: Node): { name: string; call: CallExpression }[] {
  const calls: { name: string; call: CallExpression }[] = [];
  walk(node, (part) => {
    if (part.type !== "CallExpression") return;
    const call = part as CallExpression;
    if (call.callee.type !== "Identifier") throw new Error(`an indirect call at ${part.start}`);
    calls.push({ name: call.callee.name, call });
  });
  return calls;
}

function link(
  machine: ModelMachine,
  modules: Module[],
  constants: Readonly<Record<string, number>>,
  pausing: boolean,
): ModelCore {
  checkImports(machine, modules);
  renamePrivate(modules);
  const all = modules.flatMap((module) => module.functions.map((node) => ({ module, node })));
  // To a fixed point: whoever calls a generator has to be one.
  const generators = new Set<string>();
  const stops = (name: string) =>
    operationNumbers.has(name) || generators.has(name) || (pausing && plainStores.has(name));
  for (let size = -1; size !== generators.size; ) {
    size = generators.size;
    for (const { module, node } of all) {
      const known = (name: string) => stops(resolve(module, name));
      if (callsIn(node).some(({ name }) => known(name))) generators.add(resolve(module, node.id.name));
    }
  }
  for (const { module, node } of all) rewrite(machine, module, node, generators, pausing);
  overrideConstants(modules, constants);
  const texts = order(modules).map((module) => applyEdits(module.text, module.edits));
  const exposed = all.map(({ module, node }) => {
    const name = resolve(module, node.id.name);
    return generators.has(name) ? name : `${name}: function* (...p) { return ${name}(...p); }`;
  });
  const source = [
    '"use strict";',
    `const { ${Object.keys(machine.plain).join(", ")} } = machine.plain;`,
    "const { ask } = machine;",
    ...texts,
    `return { ${exposed.join(", ")} };`,
  ].join("\n");
  return new Function("machine", source)(machine) as ModelCore;
}

/** Makes the calls in a function those of a generator, and has accesses to memory say where they are. */
function rewrite(
  machine: ModelMachine,
  module: Module,
  node: FunctionDeclaration,
  generators: ReadonlySet<string>,
  pausing: boolean,
): void {
  const own = resolve(module, node.id.name);
  const insert = (at: number, text: string) => module.edits.push({ from: at, to: at, text });
  if (generators.has(own)) insert(node.start + "function".length, "*");
  const siteAt = (call: CallExpression) =>
    machine.siteNames.push(`${node.id.name} (${module.name}.ts:${call.loc?.start.line})`) - 1;
  // Inner calls first: where an argument and its call end at one place, its parenthesis comes first.
  for (const { name, call } of callsIn(node.body).reverse()) {
    const operation = operationNumbers.get(name);
    if (operation !== undefined) {
      const separator = call.arguments.length > 0 ? ", " : "";
      const text = `(yield ask(${operation}, ${siteAt(call)}${separator}`;
      module.edits.push({ from: call.start, to: call.arguments[0]?.start ?? call.end - 1, text });
      insert(call.end, ")");
    } else if (plainAccesses.has(name)) {
      const site = siteAt(call);
      const pauses = pausing && plainStores.has(name);
      if (pauses) insert(call.start, `(yield ask(${PAUSE}, ${site}), `);
      insert(call.arguments.at(-1)!.end, `, ${site}`);
      if (pauses) insert(call.end, ")");
    } else if (generators.has(resolve(module, name))) {
      insert(call.start, "(yield* ");
      insert(call.end, ")");
    }
  }
}

const renamed = new WeakMap<Module, Map<string, string>>();

function resolve(module: Module, name: string): string {
  return renamed.get(module)?.get(name) ?? name;
}

/** All modules come into one scope, where a name is one thing. */
function renamePrivate(modules: Module[]): void {
  const uses = new Map<string, Module[]>();
  for (const module of modules) {
    for (const name of namesOf(module)) uses.set(name, [...(uses.get(name) ?? []), module]);
  }
  for (const [name, users] of uses) {
    if (users.length === 1) continue;
    for (const module of users) {
      if (module.exported.has(name)) throw new Error(`${name} of ${module.name}.ts is a name elsewhere too`);
      const names = renamed.get(module) ?? new Map<string, string>();
      names.set(name, `${name}$${module.name}`);
      renamed.set(module, names);
      walk(module.syntax, (node) => {
        if (!("name" in node) || node.type !== "Identifier" || node.name !== name) return;
        module.edits.push({ from: node.end, to: node.end, text: `$${module.name}` });
      });
    }
  }
}

function namesOf(module: Module): string[] {
  return [...module.functions.map((node) => node.id.name), ...module.constants.map(({ name }) => name)];
}

function checkImports(machine: ModelMachine, modules: Module[]): void {
  for (const module of modules) {
    for (const { name, from } of module.imports) {
      const isKnown =
        from === "machine"
          ? operationNumbers.has(name) || name in machine.plain
          : modules.some((other) => other.name === from && other.exported.has(name));
      if (!isKnown) throw new Error(`${module.name}.ts imports ${name} of ${from}.ts, which has none`);
    }
  }
}

function overrideConstants(modules: Module[], constants: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(constants)) {
    let found = false;
    for (const module of modules) {
      for (const constant of module.constants) {
        if (constant.name !== name) continue;
        module.edits.push({ from: constant.value.start, to: constant.value.end, text: String(value) });
        found = true;
      }
    }
    if (!found) throw new Error(`the core has no constant ${name}`);
  }
}

/** Imported modules first: their constants have values then. */
function order(modules: readonly Module[]): Module[] {
  const ordered = new Set<Module>();
  const begun = new Set<Module>();
  const visit = (module: Module) => {
    if (begun.has(module)) return;
    begun.add(module);
    for (const { from } of module.imports) {
      const imported = modules.find((other) => other.name === from);
      if (imported) visit(imported);
    }
    ordered.add(module);
  };
  for (const module of modules) visit(module);
  return [...ordered];
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  // Stable, so that of two at one place the one made first comes first.
  const sorted = edits.toSorted((a, b) => a.from - b.from || a.to - b.to);
  let result = "";
  let at = 0;
  for (const edit of sorted) {
    result += text.slice(at, edit.from) + edit.text;
    at = edit.to;
  }
  return result + text.slice(at);
}
