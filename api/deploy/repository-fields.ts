import { z } from 'zod';
import { id } from '../schemas.ts';

const plain = (text: string): boolean => !/[\u0000-\u001f\u007f]/.test(text);

export const userName = z.string().min(1).max(128).refine(plain, 'must not hold control characters');
export const passwordSecret = z.string().min(1).max(1024);
export const privateKeySecret = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 16 * 1024, 'must have at most 16 KiB');

export const credentialTypes = ['PASSWORD', 'SSH_PRIVATE_KEY'] as const;
export type CredentialType = (typeof credentialTypes)[number];

const answered = { id: id.nullable().optional(), name: z.string().nullable().optional() };
/** A credential on input: an id, null for anonymous, an inline one; an answer sent back is one of these. */
export const credentialInput = z.union([
  id.transform((one) => ({ id: one })),
  z.null(),
  z.object({ ...answered, type: z.literal('PASSWORD'), username: userName, password: passwordSecret }),
  z.object({ ...answered, type: z.literal('SSH_PRIVATE_KEY'), username: userName, private_key: privateKeySecret }),
]);
export type CredentialInput = z.output<typeof credentialInput>;

export const repositoryTypes = ['FTP', 'GIT'] as const;
export type RepositoryType = (typeof repositoryTypes)[number];

/** The name of a branch that Git accepts, and that no program can take for an option. */
export const branch = z
  .string()
  .min(1)
  .max(255)
  .refine(
    (name) =>
      !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$|^@$/.test(name) &&
      name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock')),
    'must be the name of a branch',
  );

const schemes: Record<RepositoryType, readonly string[]> = {
  FTP: ['ftp:', 'ftps:', 'sftp:'],
  GIT: ['https:', 'http:', 'ssh:'],
};

/** What matters of a repository's address: how it is spoken to, and with whom. */
export interface Target {
  scheme: string;
  /** Scheme, host and port: where a secret would be sent. */
  place: string;
}

/** Reads an address of a repository; undefined for one that is none of its type, or that names a user. */
export function targetOf(type: RepositoryType, url: string): Target | undefined {
  if (!/^[\x21-\x7e]+$/.test(url) || url.includes('\\')) return undefined;
  const short = /^git@([A-Za-z0-9][A-Za-z0-9.-]*):(?![-/]{0,1}-)[^:]+$/.exec(url);
  if (short?.[1] !== undefined) return type === 'GIT' ? { scheme: 'ssh:', place: `ssh://${short[1]}` } : undefined;
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, hostname, username, password } = new URL(url);
  const isPlain = username === '' && password === '' && !url.slice(0, url.indexOf(host)).includes('@');
  if (!schemes[type].includes(protocol) || !isPlain || !/^[A-Za-z0-9[]/.test(hostname)) return undefined;
  return { scheme: protocol, place: `${protocol}//${host.toLowerCase()}` };
}

/** Whether a kind of credential can be used with an address. */
export function fits(type: CredentialType, scheme: string): boolean {
  if (scheme === 'sftp:') return true;
  return type === 'SSH_PRIVATE_KEY' ? scheme === 'ssh:' : scheme !== 'ssh:';
}

/** A repository in a PATCH: only `type` has to be there, the rest is merged into what is stored. */
export const repositoryInput = z.object({
  type: z.enum(repositoryTypes),
  url: z.string().min(1).max(1000).optional(),
  branch: branch.optional(),
  credential: credentialInput.optional(),
});
export type RepositoryInput = z.output<typeof repositoryInput>;
