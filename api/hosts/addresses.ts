import { isIPv4, isIPv6 } from 'node:net';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { ipAddressIds } from '../../db/hosts/find.ts';
import type { IpAddress } from '../../workflows/hosts/contract.ts';
import { eachOnce } from '../operations/list-bodies.ts';
import { distinct } from '../operations/schemas.ts';
import { issue } from '../operations/issue.ts';

/** Whether an address is in canonical form; other spellings would admit duplicates. */
function isCanonical(text: string): boolean {
  if (isIPv4(text)) return true;
  return isIPv6(text) && !text.includes('%') && new URL(`http://[${text}]`).hostname === `[${text}]`;
}

function isNetmask(text: string): boolean {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 128 && String(Number(text)) === text;
  if (!isIPv4(text)) return false;
  const bits = text
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits);
}

const netmask = z
  .union([z.int().transform(String), z.string()])
  .pipe(z.string().refine((text) => text === '' || isNetmask(text), issue('must_be_a_netmask')));

const ipAddress = z.object({
  owner: z.enum(['HOST', 'LB']).nullable().default('HOST'),
  is_virtual: z.boolean().default(false),
  addr_type: z.enum(['PRIVATE', 'PUBLIC']),
  network: z.string().max(64).default(''),
  netmask: netmask.default(''),
  address: z.string().refine(isCanonical, issue('must_be_a_canonical_address')),
});
type WantedAddress = z.output<typeof ipAddress>;

/** The addresses of a host on input. */
export const ipAddresses = z
  .array(ipAddress)
  .max(64)
  .superRefine(eachOnce((one) => one.address, 'address'))
  .meta(distinct);

export const ipAddressObject = z.object({
  id: z.int(),
  owner: z.enum(['HOST', 'LB']).nullable(),
  is_virtual: z.boolean(),
  addr_type: z.enum(['PRIVATE', 'PUBLIC']),
  network: z.string(),
  netmask: z.string(),
  address: z.string(),
});

/** Adds ids to addresses: one that the host already has keeps its id. */
export async function numbered(
  db: Kysely<Database>,
  wanted: readonly WantedAddress[],
  present: readonly IpAddress[],
): Promise<IpAddress[]> {
  const known = new Map(present.map((one) => [one.address, one.id]));
  const fresh = await ipAddressIds(db, wanted.filter((one) => !known.has(one.address)).length);
  return wanted.map(({ owner, is_virtual, addr_type, network, netmask: mask, address }) => ({
    id: known.get(address) ?? fresh.shift() ?? 0,
    owner,
    is_virtual,
    addr_type,
    network,
    netmask: mask,
    address,
  }));
}
