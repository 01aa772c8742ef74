import type { SecretEnvelope, Secrets } from '../secrets/secrets.ts';
import type { HostRow } from '../inventory/tables.ts';

/** A host's IPMI access as it is stored. */
export interface StoredIpmi {
  address: string;
  username: string;
  password: SecretEnvelope;
}

/** The purpose that seals the password of a host's controller. */
export const ipmiPurpose = (hostId: number): string => `hosts/ipmi/${hostId}`;

/** A host's IPMI access with its password in clear; null without one. */
export function openIpmi(secrets: Pick<Secrets, 'open'>, { id, ipmi }: Pick<HostRow, 'id' | 'ipmi'>) {
  const stored = ipmi as StoredIpmi | null;
  return stored && { ...stored, password: secrets.open(ipmiPurpose(id), stored.password) };
}
