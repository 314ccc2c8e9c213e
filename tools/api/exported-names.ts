/**
 * What a module offers: each exported name with its declaration, found by following re-exports through the
 * declaration files that the compiler writes.
 */
import { dirname, join } from "node:path/posix";
import { type ESTree, parseSync } from "rolldown/utils";

/** Reads a declaration file by path, such as "model/onnx/src/index.d.ts". */
export type ReadDeclarations = (path: string) => string;

/** A name's declarations, as written: one, or several for overloads and merged types. */
export type ExportedNames = ReadonlyMap<string, readonly string[]>;

/** A re-export of a whole package keeps its "export *" in place of the names. */
export function exportedNames(path: string, read: ReadDeclarations): ExportedNames {
  const found = new Map<string, readonly string[]>();
  const add = (name: string, declarations: readonly string[]) => found.set(name, declarations);
  for (const statement of moduleOf(path, read).body) {
    const text = textOf(statement, path, read);
    if (statement.type === "ExportAllDeclaration") {
      const target = fileOf(path, statement.source.value);
      if (target === null) add(text, [text]);
      else if (statement.exported) add(nameOf(statement.exported), [text]);
      else for (const [name, declarations] of exportedNames(target, read)) add(name, declarations);
    } else if (statement.type === "ExportDefaultDeclaration") {
      add("default", [text]);
    } else if (statement.type === "ExportNamedDeclaration") {
      for (const name of declaredBy(statement.declaration)) add(name, [...(found.get(name) ?? []), text]);
      for (const { local, exported } of statement.specifiers) {
        const target = statement.source && fileOf(path, statement.source.value);
        const declarations = target
          ? exportedNames(target, read).get(nameOf(local))
          : declaredIn(path, nameOf(local), read);
        add(nameOf(exported), declarations ?? [text]);
      }
    }
  }
  return found;
}

/** The declarations of a name in a file that exports it apart: `declare const a: number; export { a };`, or an import. */
function declaredIn(path: string, name: string, read: ReadDeclarations): readonly string[] | undefined {
  const declarations: string[] = [];
  for (const statement of moduleOf(path, read).body) {
    if (statement.type === "ImportDeclaration") {
      const specifier = statement.specifiers.find(({ local }) => local.name === name);
      const target = fileOf(path, statement.source.value);
      if (specifier?.type === "ImportSpecifier" && target) {
        return exportedNames(target, read).get(nameOf(specifier.imported));
      }
    }
    if (declaredBy(statement).includes(name)) declarations.push(textOf(statement, path, read));
  }
  return declarations.length > 0 ? declarations : undefined;
}

const modules = new WeakMap<ReadDeclarations, Map<string, ESTree.Program>>();

function moduleOf(path: string, read: ReadDeclarations): ESTree.Program {
  const parsed = modules.get(read) ?? new Map<string, ESTree.Program>();
  modules.set(read, parsed);
  const known = parsed.get(path);
  if (known) return known;
  const { program, errors } = parseSync(path, read(path));
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]!.message}`);
  parsed.set(path, program);
  return program;
}

/** The declaration file of a relative import; null for another package. */
function fileOf(from: string, specifier: string): string | null {
  return specifier.startsWith(".") ? join(dirname(from), specifier.replace(/\.(ts|js)$/, ".d.ts")) : null;
}

function nameOf(node: ESTree.ModuleExportName): string {
  return node.type === "Literal" ? node.value : node.name;
}

function textOf(node: ESTree.Node, path: string, read: ReadDeclarations): string {
  return read(path).slice(node.start, node.end);
}

function declaredBy(node: ESTree.Node | null): string[] {
  switch (node?.type) {
    case "VariableDeclaration":
      return node.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
    case "ClassDeclaration":
    case "FunctionDeclaration":
    case "TSDeclareFunction":
    case "TSEnumDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return node.id ? [node.id.name] : [];
    default:
      return [];
  }
}
