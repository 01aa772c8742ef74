// A script is run as its first line says, if that is an interpreter of its language; one of another language is a mistake that
// shows at saving rather than on a host.
import type { ScriptLanguage } from '../../workflows/deploy/contract.ts';

const interpreters: Record<ScriptLanguage, RegExp> = {
  bash: /^(?:bash|sh|dash|ash)(?:-?\d+(?:\.\d+)*)?$/,
  python: /^(?:python|pypy)(?:\d+(?:\.\d+)*t?)?$/,
};

/** The interpreter that the first line names if it is none of the language; null: the script can be run as it says. */
export function otherInterpreter(language: ScriptLanguage, content: string): string | null {
  const words =
    /^#!([^\n]*)/
      .exec(content)?.[1]
      ?.split(/[ \t]+/)
      .filter((word) => word !== '') ?? null;
  if (words === null || words.some((word) => word.includes('{{'))) return null;
  const nameOf = (word = ''): string => word.slice(word.lastIndexOf('/') + 1);
  const isEnv = nameOf(words[0]) === 'env';
  const program = isEnv ? words.slice(1).find((word) => !/^-|=/.test(word)) : words[0];
  return interpreters[language].test(nameOf(program)) ? null : (program ?? '');
}
