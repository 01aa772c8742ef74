// The source tree as the house's tests see it: every file of the rooms with its size and its imports, read by the
// compiler's own parser so that strings and comments are never taken for imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

export const root = join(import.meta.dirname, '..', '..');

const rooms = ['workflows', 'activities', 'api', 'db', 'kit', 'embedded', 'bench', 'chaos', 'test'] as const;
export type Room = (typeof rooms)[number];

/** One import, re-export or dynamic import. */
export interface Import {
  /** Path from the root for our own files, else the specifier as it is written. */
  readonly target: string;
  readonly own: boolean;
  readonly typeOnly: boolean;
  /** Names imported; empty for a namespace, a default or a bare import. */
  readonly names: readonly string[];
}

export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly room: Room;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Names of exported functions. */
  readonly functions: readonly string[];
  /** Names of everything that is declared with `export`, a default apart. */
  readonly exports: readonly string[];
  /** Those of them that are types, interfaces and classes. */
  readonly types: readonly string[];
  /** Every class with a superclass, and that one's name. */
  readonly subclasses: readonly { name: string; superclass: string }[];
  /** Names that are re-exported from other files. */
  readonly reexports: readonly string[];
}

/** Reads every TypeScript file of the rooms. */
export function sourceTree(): SourceFile[] {
  return rooms.flatMap((room) => filesOf(room).map((path) => parse(path, room)));
}

function filesOf(room: Room): string[] {
  try {
    return readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => posix.join(room, name.replaceAll('\\', '/')))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function parse(path: string, room: Room): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  return {
    path,
    room,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: [...file.statements.flatMap((statement) => staticImport(path, statement)), ...dynamicImports(path, file)],
    functions: file.statements.flatMap(exportedFunctions),
    exports: file.statements.filter(isExported).flatMap(declaredNames),
    types: file.statements.filter((one) => isExported(one) && isTypeDeclaration(one)).flatMap(declaredNames),
    subclasses: subclassesIn(file),
    reexports: file.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => namesOf(exportClause)),
  };
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = (ts.canHaveModifiers(statement) && ts.getModifiers(statement)) || [];
  const kinds = modifiers.map(({ kind }) => kind);
  return kinds.includes(ts.SyntaxKind.ExportKeyword) && !kinds.includes(ts.SyntaxKind.DefaultKeyword);
}

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  const isNamed = ts.isFunctionDeclaration(statement) || isTypeDeclaration(statement);
  return isNamed && statement.name ? [statement.name.text] : [];
}

const isTypeDeclaration = (
  statement: ts.Statement,
): statement is ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration =>
  ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);

function subclassesIn(file: ts.SourceFile): { name: string; superclass: string }[] {
  const found: { name: string; superclass: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) {
      const superclass = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
      if (superclass) found.push({ name: node.name?.text ?? '', superclass: superclass.expression.getText(file) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []));
}

function exportedFunctions(statement: ts.Statement): string[] {
  if (!ts.isFunctionDeclaration(statement) && !ts.isVariableStatement(statement)) return [];
  if (!isExported(statement)) return [];
  if (ts.isFunctionDeclaration(statement)) return [statement.name?.text ?? 'default'];
  return statement.declarationList.declarations.flatMap(({ name, initializer }) =>
    initializer && ts.isArrowFunction(initializer) && ts.isIdentifier(name) ? [name.text] : [],
  );
}

function staticImport(path: string, statement: ts.Statement): Import[] {
  if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
  const { moduleSpecifier } = statement;
  if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) return [];
  const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause;
  const typeOnly = ts.isImportDeclaration(statement)
    ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword || allTypes(statement)
    : statement.isTypeOnly;
  return [{ ...resolved(path, moduleSpecifier.text), typeOnly, names: namesOf(bindings) }];
}

function allTypes({ importClause }: ts.ImportDeclaration): boolean {
  const bindings = importClause?.namedBindings;
  if (!bindings || importClause.name || !ts.isNamedImports(bindings)) return false;
  return bindings.elements.length > 0 && bindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function namesOf(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): string[] {
  if (!bindings || !('elements' in bindings)) return [];
  return [...bindings.elements].map(({ propertyName, name }) => (propertyName ?? name).text);
}

function dynamicImports(path: string, file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      if (specifier && ts.isStringLiteralLike(specifier))
        found.push({ ...resolved(path, specifier.text), typeOnly: false, names: [] });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const resolved = (from: string, specifier: string): Pick<Import, 'target' | 'own'> =>
  specifier.startsWith('.')
    ? { target: posix.join(dirname(from), specifier), own: true }
    : { target: specifier, own: false };
