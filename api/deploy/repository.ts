// The stored repository of deploy settings: a credential by id, or an inline one whose secret is sealed with the settings.
// A stored secret is valid only for the repository that it was given for: another address requires it again.
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { AuditChanges } from '../../db/audit/tables.ts';
import type { Database } from '../../db/database.ts';
import type { StoredCredential, StoredRepository } from '../../db/deploy/repository.ts';
import type { RepositoryScheme } from '../../kit/repository-address.ts';
import { repositoryAddress, repositoryEncodings, repositoryTypes } from '../../kit/repository-address.ts';
import { detail, invalidField, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { masked } from '../operations/secret-placeholder.ts';
import { credentialTypes, fits } from './repository-fields.ts';
import type { CredentialInput, CredentialType, RepositoryInput } from './repository-fields.ts';
import { factsOf } from './ssh-key.ts';
import { msg } from '../../kit/messages/message.ts';

const credentialObject = z
  .object({
    id: z.int().nullable(),
    name: z.string().nullable(),
    type: z.enum(credentialTypes),
    username: z.string(),
    password: z.literal(masked).optional(),
    private_key: z.literal(masked).optional(),
  })
  .nullable();

export const repositoryObject = z
  .object({
    type: z.enum(repositoryTypes),
    url: z.string(),
    branch: z.string().optional(),
    encoding: z.enum(repositoryEncodings).optional(),
    credential: credentialObject,
  })
  .nullable();

const maskedSecret = (type: CredentialType) => (type === 'PASSWORD' ? { password: masked } : { private_key: masked });

/** Presents stored repositories; the credentials of all `stored` are read in one query. */
export async function repositoryPresenter(db: Kysely<Database>, stored: readonly (StoredRepository | null)[]) {
  const ids = stored.flatMap((one) => (one?.credential && 'id' in one.credential ? [one.credential.id] : []));
  const rows =
    ids.length === 0
      ? []
      : await db
          .selectFrom('repositoryCredentials')
          .where('id', 'in', ids)
          .select(['id', 'name', 'type', 'username'])
          .execute();
  const named = new Map(rows.map((row) => [row.id, { ...row, ...maskedSecret(row.type) }]));
  const shown = (credential: StoredCredential): z.input<typeof credentialObject> => {
    if (!credential) return null;
    if ('id' in credential) return named.get(credential.id) ?? null;
    const { type, username } = credential;
    return { id: null, name: null, type, username, ...maskedSecret(type) };
  };
  return (repository: StoredRepository | null): z.input<typeof repositoryObject> =>
    repository && { ...repository, credential: shown(repository.credential) };
}

/** A stored repository for another owner: its inline secret is sealed again. */
export function resealed(
  { secrets }: ChangeCtx,
  repository: StoredRepository | null,
  from: string,
  to: string,
): StoredRepository | null {
  const credential = repository?.credential;
  if (!credential || !('secret' in credential) || from === to) return repository;
  const secret = secrets.seal(to, secrets.open(from, credential.secret));
  return { ...repository, credential: { ...credential, secret } };
}

const at = (field: string): string => `repository.${field}`;

/**
 * Merges a sent repository into the stored one; an inline secret is sealed for `purpose`. Throws for an invalid
 * repository.
 */
export async function mergedRepository(
  ctx: ChangeCtx,
  purpose: string,
  input: RepositoryInput,
  stored: StoredRepository | null,
): Promise<StoredRepository> {
  const type = input.type ?? stored?.type;
  if (type === undefined) throw invalidField(at('type'), msg('is_needed'));
  const before = stored?.type === type ? stored : null;
  const url = input.url ?? before?.url;
  if (url === undefined) throw invalidField(at('url'), msg('is_needed'));
  const target = repositoryAddress(type, url);
  if (!target) throw invalidField(at('url'), msg('must_be_an_address_for', { type }));
  const branch = branchOf(type, input.branch, before);
  const encoding = encodingOf({ type, encoding: input.encoding }, before, target.scheme);
  if (stored && !before && input.credential === undefined)
    throw invalidField(at('credential'), msg('is_needed_with_another_type'));
  const isSameTarget = before !== null && repositoryAddress(before.type, before.url)?.target === target.target;
  const kept = isSameTarget ? before.credential : undefined;
  if (input.credential === undefined && before?.credential && !isSameTarget)
    throw invalidField(at('credential'), msg('is_needed_for_another_address'));
  const credential =
    input.credential === undefined ? (kept ?? null) : await credentialOf(ctx, purpose, input.credential, kept);
  const kind = await typeOf(ctx, credential);
  if (kind && !fits(kind, target.scheme))
    throw invalidField(at('credential'), msg('does_not_fit_address', { type: kind }));
  return { type, url, ...(branch !== undefined && { branch }), ...(encoding && { encoding }), credential };
}

function branchOf(
  type: StoredRepository['type'],
  branch: string | undefined,
  before: StoredRepository | null,
): string | undefined {
  if (type === 'FTP' && branch !== undefined) throw invalidField(at('branch'), msg('is_for_git_only'));
  const wanted = branch ?? before?.branch;
  if (type === 'GIT' && wanted === undefined) throw invalidField(at('branch'), msg('is_needed'));
  return wanted;
}

/** The stored form of an encoding: UTF-8 is not stored. Names over SFTP are UTF-8. */
function encodingOf(
  { type, encoding }: { type: StoredRepository['type']; encoding: RepositoryInput['encoding'] },
  before: StoredRepository | null,
  scheme: RepositoryScheme,
): 'gbk' | undefined {
  const isFtp = scheme === 'ftp' || scheme === 'ftps';
  if (encoding !== undefined && type === 'GIT') throw invalidField(at('encoding'), msg('is_for_ftp_only'));
  if (encoding === 'gbk' && !isFtp) throw invalidField(at('encoding'), msg('gbk_is_for_ftp'));
  const wanted = encoding ?? (isFtp ? before?.encoding : undefined);
  return wanted === 'gbk' ? wanted : undefined;
}

/** The stored form of a sent credential; `kept` is the one stored for the same address. */
async function credentialOf(
  ctx: ChangeCtx,
  purpose: string,
  sent: CredentialInput,
  kept: StoredCredential | undefined,
): Promise<StoredCredential> {
  if (!sent) return null;
  if (!('type' in sent)) return ownCredential(ctx, sent.id);
  const [field, secret] = sent.type === 'PASSWORD' ? ['password', sent.password] : ['private_key', sent.private_key];
  if (secret === masked) {
    if (typeof sent.id === 'number')
      return kept && 'id' in kept && kept.id === sent.id ? kept : ownCredential(ctx, sent.id);
    if (kept && 'secret' in kept && kept.type === sent.type) return { ...kept, username: sent.username };
    throw invalidField(at(`credential.${field}`), msg('is_needed_none_stored'));
  }
  if (sent.type === 'SSH_PRIVATE_KEY') factsOf(secret, at(`credential.${field}`));
  const sealed = ctx.secrets.seal(purpose, secret);
  return { type: sent.type, username: sent.username, secret: sealed };
}

const sendsSecret = (credential: CredentialInput | undefined): boolean =>
  credential != null &&
  'type' in credential &&
  (credential.type === 'PASSWORD' ? credential.password : credential.private_key) !== masked;

/** The audit change for a secret sent with a repository, even if it is the same as before. */
export const sentSecrets = (sent: RepositoryInput | null | undefined): AuditChanges =>
  sendsSecret(sent?.credential) ? { 'repository.credential.secret': [masked, masked] } : {};

async function ownCredential({ tx, actor }: ChangeCtx, id: number): Promise<{ id: number }> {
  const row = await tx
    .selectFrom('repositoryCredentials')
    .where('id', '=', id)
    .where('userId', '=', actor.user.id)
    .select('id')
    .forKeyShare()
    .executeTakeFirst();
  const details = [detail(at('credential'), new Problem('no_such', { thing: 'credential', id }).said)];
  if (!row) throw new Problem('no_such', { thing: 'credential', id }, details);
  return row;
}

async function typeOf({ tx }: ChangeCtx, credential: StoredCredential): Promise<CredentialType | undefined> {
  if (!credential || 'type' in credential) return credential?.type;
  const rows = tx.selectFrom('repositoryCredentials').where('id', '=', credential.id).select('type');
  return (await rows.executeTakeFirst())?.type;
}
