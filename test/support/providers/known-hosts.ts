// Lines of known_hosts files, and what OpenSSH makes of them for the host `name`: whether they concern it, and how.
import { createHmac } from 'node:crypto';

const part = (text: string | Buffer): Buffer => {
  const bytes = Buffer.from(text as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** Two public keys of Ed25519 (RFC 8032, tests 1 and 2) as they are sent, and as a file has them. */
const points = [
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
];
const [one, two] = points.map((hex) => Buffer.concat([part('ssh-ed25519'), part(Buffer.from(hex, 'hex'))])) as [
  Buffer,
  Buffer,
];
export { one };
const [first, second] = [one, two].map((key) => `ssh-ed25519 ${key.toString('base64')}`) as [string, string];

const salt = Buffer.from('a salt of twenty byt').toString('base64');
const hashOf = (name: string): string =>
  `|1|${salt}|${createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')}`;

type Verdict = 'known' | 'changed' | 'revoked' | 'unknown';

/** What is asked for, the lines, and the verdict on key `one`. */
export const knownHostsCases: readonly (readonly [what: string, name: string, lines: string[], verdict: Verdict])[] = [
  ['a name', 'web-1', [`web-1 ${first}`], 'known'],
  ['a name with a comment and tabs', 'web-1', [`\tweb-1\t${first} the first\r`], 'known'],
  ['another name', 'web-2', [`web-1 ${first}`], 'unknown'],
  ['a part of a name', 'web-1', [`web ${first}`], 'unknown'],
  ['one of a list', 'web-1', [`10.0.0.1,web-1 ${first}`], 'known'],
  ['a name in capitals', 'web-1', [`WEB-1 ${first}`], 'known'],
  ['a name asked for in capitals', 'Web-1', [`web-1 ${first}`], 'known'],
  ['a pattern', 'web-1', [`web-? ${first}`], 'known'],
  ['a pattern of any length', 'web-1.example.com', [`*.EXAMPLE.com ${first}`], 'known'],
  ['a point, which is no pattern', 'web-1xexample', [`web-1.example ${first}`], 'unknown'],
  ['a class, which is no pattern', 'web-1', [`web-[12] ${first}`], 'unknown'],
  ['an exception before', 'web-1', [`!web-1,web-* ${first}`], 'unknown'],
  ['an exception after', 'web-1', [`web-*,!WEB-1 ${first}`], 'unknown'],
  ['an exception of another', 'web-1', [`web-*,!web-2 ${first}`], 'known'],
  ['an exception alone', 'web-1', [`!web-2 ${first}`], 'unknown'],
  ['a port', '[web-1]:2222', [`[web-1]:2222 ${first}`], 'known'],
  ['another port', '[web-1]:2222', [`[web-1]:2223 ${first}`], 'unknown'],
  ['a hashed name', 'web-1', [`${hashOf('web-1')} ${first}`], 'known'],
  ['a hashed name asked for in capitals', 'Web-1', [`${hashOf('web-1')} ${first}`], 'known'],
  ['a hashed name with a port', '[web-1]:2222', [`${hashOf('[web-1]:2222')} ${first}`], 'known'],
  ['another hashed name', 'web-2', [`${hashOf('web-1')} ${first}`], 'unknown'],
  ['a hashed name in a list', 'web-1', [`${hashOf('web-1')},web-1 ${first}`], 'unknown'],
  ['a hash of another kind', 'web-1', [`${hashOf('web-1').replace('|1|', '|2|')} ${first}`], 'unknown'],
  ['a comment', 'web-1', [`# web-1 ${first}`, `  #web-1 ${first}`], 'unknown'],
  ['another key', 'web-1', [`web-1 ${second}`], 'changed'],
  ['two keys', 'web-1', [`web-1 ${second}`, `web-1 ${first}`], 'known'],
  ['a revoked key', 'web-1', [`@revoked * ${first}`, `web-1 ${first}`], 'revoked'],
  ['a key revoked below', 'web-1', [`web-1 ${first}`, `@revoked web-1 ${first}`], 'revoked'],
  ['a key revoked by a hashed name', 'web-1', [`web-1 ${first}`, `@revoked ${hashOf('web-1')} ${first}`], 'revoked'],
  ['a key revoked for another host', 'web-1', [`web-1 ${first}`, `@revoked web-2 ${first}`], 'known'],
  ['a key of which only another is revoked', 'web-1', [`@revoked * ${second}`], 'unknown'],
  ['a key whose other is revoked', 'web-1', [`web-1 ${first}`, `@revoked * ${second}`], 'known'],
  ['an authority', 'web-1', [`@cert-authority * ${first}`], 'unknown'],
  ['a marker that OpenSSH does not know', 'web-1', [`@trusted web-1 ${first}`], 'unknown'],
  ['two markers', 'web-1', [`@revoked @cert-authority web-1 ${first}`], 'unknown'],
  ['a key under a wrong type', 'web-1', [`web-1 ${first.replace('ssh-ed25519', 'ssh-rsa')}`], 'unknown'],
  ['a line cut short', 'web-1', ['web-1 ssh-ed25519', 'web-1', '@revoked', ''], 'unknown'],
];
