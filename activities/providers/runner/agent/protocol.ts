// What client and agent say to each other: a request is one line of fields, an answer one line of words between marks made
// for the call, so that what else the host prints is not taken for it. Fields that people wrote are marked and escaped byte
// by byte, so that no shell ever sees one of their characters.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const parts = ['base', 'output', 'reader', 'job', 'job-operations', 'file-operations', 'entry'];

/** The agent: a script for POSIX sh, one file on the host. */
export const agentScript = parts
  .map((name) => readFileSync(join(import.meta.dirname, `${name}.sh`), 'utf8'))
  .join('\n');

const version = createHash('sha256').update(agentScript).digest('hex').slice(0, 16);
const base =
  'b=${SLIPWAY_AGENT_DIR:-}; ' +
  'if [ -z "$b" ]; then if [ "$(id -u)" = 0 ]; then b=/var/lib/slipway; else b=$HOME/.slipway; fi; fi; ' +
  `a="$b/agent-${version}.sh"; `;

/** Exit status of `askCommand` where the agent is not (or is of another version). */
export const noAgent = 97;

/** The command that hands standard input to the agent; `key` is the host's name there, made by `hostKey`. */
export const askCommand = (key: string): string =>
  `/bin/sh -c '${base}[ -e "$a" ] || exit ${noAgent}; exec /bin/sh "$a" "$b" "$0"' ${key}`;

/** The command that makes an agent of its standard input. */
export const installCommand =
  `/bin/sh -c '${base}umask 022; mkdir -p "$b" && chmod 711 "$b" && t=$(mktemp "$b/.agent.XXXXXX") && ` +
  `cat >"$t" && chmod 644 "$t" && mv -fT "$t" "$a"'`;

/** A host's name as agents know it; a cloned machine has its original's jobs, but under another key. */
export const hostKey = (name: string): string => name.replaceAll('.', ':');

/** A field: text as it is, whatever is in it. */
export function field(text: string | number): string {
  const bytes = Buffer.from(String(text));
  const plain = /[A-Za-z0-9_./:@,+-]/;
  let escaped = '=';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    escaped += plain.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return escaped;
}

/** A field of bytes. */
export const dataField = (data: Buffer): string => `=${data.toString('base64')}`;

/** What a call on a host gave back, whatever it was. */
export interface Reply {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Answer {
  word: 'ok' | 'refused' | 'unavailable';
  values: string[];
}

/** What frames the answer to one call; a host cannot know it before it is asked. */
export const newMarker = (): string => randomBytes(16).toString('hex');

/** The answer in a reply, whatever is printed around it; null when there is none, or something is printed into it. */
export function answerIn({ stdout }: Pick<Reply, 'stdout'>, marker: string): Answer | null {
  for (let at = stdout.indexOf(marker); at >= 0; at = stdout.indexOf(marker, at + 1)) {
    const [head, length] = /^ (\d{1,9}) /.exec(stdout.slice(at + marker.length, at + marker.length + 12)) ?? [];
    if (head === undefined) continue;
    const start = at + marker.length + head.length;
    const end = start + Number(length);
    if (!stdout.startsWith(` ${marker}`, end)) continue;
    const [word, ...values] = stdout.slice(start, end).split(' ');
    if (word === 'ok' || word === 'refused' || word === 'unavailable') return { word, values };
  }
  return null;
}

/** A value that came in base64. */
export const bytesIn = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64');

/** The records of a value that came in base64, each ended by a NUL. */
export const recordsIn = (value: string | undefined): string[] => bytesIn(value).toString().split('\0').slice(0, -1);
