import { isIP } from 'node:net';
import { z } from 'zod';
import { hostTypes, runnerNames } from '../../workflows/hosts/contract.ts';
import { ipAddresses } from './addresses.ts';
import { atLeastOne } from '../operations/schemas.ts';
import { issue } from '../operations/issue.ts';

/** Names are folder names of local hosts too, hence no empty label. */
export const hostName = z
  .string()
  .min(1)
  .max(253)
  .refine(
    (name) => /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name) && !name.includes('..'),
    issue('must_be_a_host_name'),
  );

const machineAddress = z
  .string()
  .max(253)
  .refine((text) => isIP(text) !== 0 || hostName.safeParse(text).success, issue('must_be_an_address_or_host_name'));

const ipmi = z.object({
  address: machineAddress,
  username: z.string().min(1).max(64),
  password: z.string().min(1).max(255),
});
export type WantedIpmi = z.output<typeof ipmi>;

const every = z
  .object({
    name: hostName,
    host_type: z.enum(hostTypes),
    os_type: z.string().max(64),
    cpu: z.int().min(1).max(4096).nullable(),
    memory: z.int().min(1).max(100_000_000).nullable(),
    location: z.string().max(128),
    ip_address: ipAddresses,
    description: z.string().max(2000),
    provider_id: z.string().min(1).max(128).nullable(),
    runner: z.enum(runnerNames),
    minion_id: z
      .string()
      .max(253)
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/, issue('must_be_a_minion')),
    ipmi: ipmi.nullable(),
  })
  .partial();

/** Writable fields, for creation and change. */
export const creation = every.required({ name: true, host_type: true });
export const changes = atLeastOne(every);
export type HostFields = z.output<typeof every>;

/** The columns of a body's fields; addresses and IPMI are handled separately. */
export const columnsOf = (fields: HostFields) => ({
  ...(fields.name !== undefined && { name: fields.name }),
  ...(fields.host_type !== undefined && { hostType: fields.host_type }),
  ...(fields.os_type !== undefined && { osType: fields.os_type }),
  ...(fields.cpu !== undefined && { cpu: fields.cpu }),
  ...(fields.memory !== undefined && { memory: fields.memory }),
  ...(fields.location !== undefined && { location: fields.location }),
  ...(fields.description !== undefined && { description: fields.description }),
  ...(fields.provider_id !== undefined && { providerId: fields.provider_id }),
  ...(fields.runner !== undefined && { runner: fields.runner }),
  ...(fields.minion_id !== undefined && { minionId: fields.minion_id }),
});
