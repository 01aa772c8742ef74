// The interpreter of a script: the one in its shebang line if it fits the language, with options. Options are split at
// blanks as people expect; Linux alone would pass them as one.
import { msg, type Message } from './messages/message.ts';

/** The command line before the script's path, or the error in the first line. */
type Interpreter = { argv: string[] } | { problem: Message };

type Language = 'bash' | 'python';

/** Unbuffered Python: output before a kill would otherwise be lost in its buffer. */
const defaults: Record<Language, readonly string[]> = { bash: ['bash'], python: ['python3', '-u'] };

/** Names of the language's interpreters, with or without a version. */
const interpreters: Record<Language, RegExp> = {
  bash: /^(?:bash|sh|dash|ash)(?:-?\d+(?:\.\d+)*)?$/,
  python: /^(?:python|pypy)(?:\d+(?:\.\d+)*t?)?$/,
};

const unnamed = { problem: msg('no_interpreter') };
const assignment = /^[A-Za-z_][A-Za-z0-9_]*=/;
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The words after `#!`; null: no shebang. Ignores a byte order mark or carriage return. */
function firstLine(content: string): string[] | null {
  const line = /^\uFEFF?#!([^\n]*)/.exec(content)?.[1];
  return line === undefined ? null : line.split(/[ \t\r]+/).filter((word) => word !== '');
}

/** Where the interpreter's name is among the words of `env`, and those words without its own options. */
function throughEnv([env = '', ...words]: string[]): { argv: string[]; at: number } | { problem: Message } {
  const [first = '', ...others] = words;
  const attached = /^(?:-S|--split-string=)(.+)$/.exec(first)?.[1];
  const isSplit = first === '-S' || first === '--split-string' || attached !== undefined;
  const given = isSplit ? [...(attached === undefined ? [] : [attached]), ...others] : words;
  const quoted = isSplit ? given.find((word) => /["'\\$#]/.test(word)) : undefined;
  if (quoted !== undefined) return { problem: msg('interpreter_quoted', { word: quoted }) };
  const at = given.findIndex((word) => !assignment.test(word));
  const option = given[at];
  if (option === undefined) return unnamed;
  if (option.startsWith('-')) return { problem: msg('env_option_unknown', { option }) };
  return { argv: [env, ...given], at: at + 1 };
}

/** The interpreter of a script of this language; a shebang with another interpreter is a problem. */
export function interpreterOf(language: Language, content: string): Interpreter {
  const words = firstLine(content);
  if (words === null) return { argv: [...defaults[language]] };
  const found = nameOf(words[0] ?? '') === 'env' ? throughEnv(words) : { argv: words, at: 0 };
  if ('problem' in found) return found;
  const { argv, at } = found;
  const program = argv[at];
  if (program === undefined) return unnamed;
  if (!interpreters[language].test(nameOf(program)))
    return { problem: msg('interpreter_of_another_language', { name: program, language }) };
  const unbuffered = language === 'python' ? ['-u'] : [];
  return { argv: [...argv.slice(0, at + 1), ...unbuffered, ...argv.slice(at + 1)] };
}

/** The command line before a script's path; of a first line that cannot be followed nothing is taken. */
export function commandOf(language: Language, content: string): string[] {
  const found = interpreterOf(language, content);
  return 'argv' in found ? found.argv : [...defaults[language]];
}
