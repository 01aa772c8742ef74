// Wire format between client and agent: a request is one line of fields, a response one line of words framed by per-call
// markers, so that other output of the host is ignored. Fields with user input are marked and escaped byte by byte, so that
// no shell ever interprets their characters.
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

/** Exit status of `askCommand` when the agent is missing or has another version. */
export const noAgent = 97;

/** The command that passes standard input to the agent; `key` is the host's name there, made by `hostKey`. */
export const askCommand = (key: string): string =>
  `/bin/sh -c '${base}[ -e "$a" ] || exit ${noAgent}; exec /bin/sh "$a" "$b" "$0"' ${key}`;

/** The command that installs its standard input as the agent. */
export const installCommand =
  `/bin/sh -c '${base}umask 022; mkdir -p "$b" && chmod 711 "$b" && t=$(mktemp "$b/.agent.XXXXXX") && ` +
  `cat >"$t" && chmod 644 "$t" && mv -fT "$t" "$a"'`;

/** A host's name for its agent; a cloned machine has its original's jobs, but under another key. */
export const hostKey = (name: string): string => name.replaceAll('.', ':');

/** Encodes any text as a field. */
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

/** Encodes bytes as a field. */
export const dataField = (data: Buffer): string => `=${data.toString('base64')}`;

/** The result of a call on a host. */
export interface AgentReply {
  code: number;
  stdout: string;
  stderr: string;
}

interface Answer {
  word: 'ok' | 'refused' | 'unavailable';
  values: string[];
}

/** Frames the response to one call; unpredictable for the host. */
export const newMarker = (): string => randomBytes(16).toString('hex');

/** The response framed in a reply, ignoring output around it; null when it is missing or interrupted by other output. */
export function answerIn({ stdout }: Pick<AgentReply, 'stdout'>, marker: string): Answer | null {
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

/** Decodes a base64 value. */
export const bytesIn = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64');

/** Decodes the NUL-terminated records of a base64 value. */
export const recordsIn = (value: string | undefined): string[] => bytesIn(value).toString().split('\0').slice(0, -1);
