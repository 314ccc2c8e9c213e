/**
 * Every way in which a source file names another module: static, dynamic, type-only and side-effect imports,
 * re-exports, `require` in its forms, and paths made from the module's own address (workers, data files).
 *
 * Sources are parsed, not searched, so that text in comments and strings does not count.
 */
import { type ESTree, parseSync, Visitor } from "rolldown/utils";

export type ImportForm = "import" | "export from" | "import()" | "require" | "import.meta.resolve" | "path";

export interface Import {
  readonly form: ImportForm;
  /**
   * As written; null where it is computed while the program runs. Of form "path": relative to the file, up to
   * the first part that is computed.
   */
  readonly specifier: string | null;
  /** Counted from 1. */
  readonly line: number;
}

/**
 * @param path decides the language by its ending: .ts, .tsx, .js or .mjs.
 * @throws Error when the source is not valid.
 */
export function importsOf(path: string, source: string): readonly Import[] {
  const { program, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]!.message}`);
  const found: Import[] = [];
  const add = (form: ImportForm, specifier: string | null, at: number) =>
    found.push({ form, specifier, line: source.slice(0, at).split("\n").length });
  /** Names that hold what `createRequire` returned. */
  const requires = new Set(["require"]);
  const call = (node: ESTree.CallExpression | ESTree.NewExpression) => {
    const [first] = node.arguments;
    const name = (first && startOf(first)?.whole) ?? null;
    if (isRequire(node.callee, requires)) add("require", name, node.start);
    else if (isRequire(memberOf(node.callee, "resolve"), requires)) {
      // A computed name that is only resolved loads nothing: the import of the result is what counts.
      if (name !== null) add("require", name, node.start);
    } else if (isMetaProperty(memberOf(node.callee, "resolve"), null)) {
      if (name !== null) add("import.meta.resolve", name, node.start);
    } else {
      const specifier = pathBesideModule(node.arguments);
      if (specifier !== null) add("path", specifier, node.start);
    }
  };
  new Visitor({
    ImportDeclaration: (node) => add("import", node.source.value, node.start),
    ExportAllDeclaration: (node) => add("export from", node.source.value, node.start),
    ExportNamedDeclaration: (node) => {
      if (node.source) add("export from", node.source.value, node.start);
    },
    ImportExpression: (node) => add("import()", startOf(node.source)?.whole ?? null, node.start),
    TSImportType: (node) => add("import", node.source.value, node.start),
    TSExternalModuleReference: (node) => add("require", node.expression.value, node.start),
    VariableDeclarator: (node) => {
      if (node.id.type === "Identifier" && node.init && isCreateRequire(node.init))
        requires.add(node.id.name);
    },
    CallExpression: call,
    NewExpression: call,
  }).visit(program);
  return found;
}

/** A literal's text: `begin` up to the first computed part, `whole` null when there is one. */
function startOf(node: ESTree.Node): { readonly begin: string; readonly whole: string | null } | null {
  if (node.type === "Literal" && typeof node.value === "string")
    return { begin: node.value, whole: node.value };
  if (node.type !== "TemplateLiteral") return null;
  const begin = node.quasis[0]?.value.cooked ?? "";
  return { begin, whole: node.expressions.length === 0 ? begin : null };
}

function isCreateRequire(node: ESTree.Node): boolean {
  return (
    node.type === "CallExpression" &&
    node.callee.type === "Identifier" &&
    node.callee.name === "createRequire"
  );
}

/** `require`, or what `createRequire` returns. */
function isRequire(node: ESTree.Node | null, names: ReadonlySet<string>): boolean {
  return node !== null && ((node.type === "Identifier" && names.has(node.name)) || isCreateRequire(node));
}

/** The object of `object.name`. */
function memberOf(node: ESTree.Node, name: string): ESTree.Node | null {
  return node.type === "MemberExpression" &&
    node.property.type === "Identifier" &&
    node.property.name === name
    ? node.object
    : null;
}

/** `import.meta` itself (null), or one of its properties. */
function isMetaProperty(node: ESTree.Node | null, properties: readonly string[] | null): boolean {
  if (node === null) return false;
  if (properties === null) return node.type === "MetaProperty" && node.meta.name === "import";
  return properties.some((name) => isMetaProperty(memberOf(node, name), null));
}

/**
 * `new URL("../data.json", import.meta.url)`, `join(import.meta.dirname, "..", "data.json")` and calls like them:
 * the literal parts, joined. Null for any other call.
 */
function pathBesideModule(given: readonly ESTree.Node[]): string | null {
  if (!given.some((node) => isMetaProperty(node, ["url", "dirname", "filename"]))) return null;
  const parts: string[] = [];
  for (const node of given) {
    const text = startOf(node);
    if (text === null) continue;
    parts.push(text.begin);
    if (text.whole === null) break;
  }
  return parts.length > 0 ? parts.join("/") : null;
}
