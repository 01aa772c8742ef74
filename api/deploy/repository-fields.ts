import { z } from 'zod';
import { isBranchName, repositoryEncodings, repositoryTypes } from '../../kit/repository-address.ts';
import type { RepositoryScheme } from '../../kit/repository-address.ts';
import { id } from '../operations/schemas.ts';
import { issue } from '../operations/issue.ts';

const plain = (text: string): boolean => !/[\u0000-\u001f\u007f]/.test(text);

export const userName = z.string().min(1).max(128).refine(plain, issue('must_not_hold_control_characters'));
export const passwordSecret = z.string().min(1).max(1024);
export const privateKeySecret = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 16 * 1024, issue('must_have_at_most_kib', { n: 16 }));

export const credentialTypes = ['PASSWORD', 'SSH_PRIVATE_KEY'] as const;
export type CredentialType = (typeof credentialTypes)[number];

const answered = { id: id.nullable().optional(), name: z.string().nullable().optional() };
/** A credential on input: an id, null for anonymous, or an inline one; the form in responses is accepted too. */
const credentialInput = z.union([
  id.transform((one) => ({ id: one })),
  z.null(),
  z.object({ ...answered, type: z.literal('PASSWORD'), username: userName, password: passwordSecret }),
  z.object({ ...answered, type: z.literal('SSH_PRIVATE_KEY'), username: userName, private_key: privateKeySecret }),
]);
export type CredentialInput = z.output<typeof credentialInput>;

const branch = z.string().min(1).max(255).refine(isBranchName, issue('must_be_a_branch'));

/** Whether a kind of credential can be used with a URL scheme. */
export function fits(type: CredentialType, scheme: RepositoryScheme): boolean {
  if (scheme === 'sftp') return true;
  return type === 'SSH_PRIVATE_KEY' ? scheme === 'ssh' : scheme !== 'ssh';
}

/** A repository in a PATCH: missing fields keep their stored values as long as `type` is unchanged. */
export const repositoryInput = z.object({
  type: z.enum(repositoryTypes).optional(),
  url: z.string().min(1).max(1000).optional(),
  branch: branch.optional(),
  encoding: z.enum(repositoryEncodings).optional(),
  credential: credentialInput.optional(),
});
export type RepositoryInput = z.output<typeof repositoryInput>;
