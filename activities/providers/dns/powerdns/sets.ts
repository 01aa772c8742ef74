// Sets of Slipway and rrsets of PowerDNS. A record that stays is sent back in the very form in which the server holds it.
import { isServerType } from '../../../../kit/dns/types.ts';
import type { ServerSet, SetChange } from '../driver.ts';
import { toPresentation } from '../../../../kit/dns/rdata.ts';
import { isEmptySet } from '../sets.ts';
import { valueOf } from '../values.ts';
import type { ApiRrset, RrsetPatch } from './shapes.ts';

export const nameOf = (apiName: string): string => apiName.replace(/(?<!\\)\.$/, '').toLowerCase() || '.';

export const apiName = (name: string): string => (name === '.' ? name : `${name}.`);

function setOf({ name, type, ttl, records }: ApiRrset): ServerSet {
  const values = (disabled: boolean): string[] =>
    records.filter((one) => one.disabled === disabled).map(({ content }) => valueOf(type, content));
  return { name: nameOf(name), type, ttl, values: values(false), disabled: values(true) };
}

export const setsOf = (rrsets: readonly ApiRrset[]): ServerSet[] =>
  rrsets.map(setOf).filter((set) => !isServerType(set.type) && !isEmptySet(set));

/** The request's part for one set; `held` is the rrset as it is there. */
export function patchOf({ name, type, after }: SetChange, held: ApiRrset | undefined): RrsetPatch {
  if (after === null) return { name: apiName(name), type, changetype: 'DELETE' };
  const forms = new Map(held?.records.map(({ content }) => [valueOf(type, content), content]));
  const record = (value: string, disabled: boolean) => ({
    content: forms.get(value) ?? toPresentation(type, value),
    disabled,
  });
  return {
    name: apiName(name),
    type,
    changetype: 'REPLACE',
    ttl: after.ttl,
    records: [
      ...after.values.map((value) => record(value, false)),
      ...after.disabled.map((value) => record(value, true)),
    ],
  };
}

/** A set that has not been on the server. */
export const newPatch = (set: ServerSet): RrsetPatch =>
  patchOf({ name: set.name, type: set.type, before: null, after: set }, undefined);

const understood = /^Record (\S+)\/(\S+) '([^]*)': Not in expected format \(parsed as '([^]*)'\)$/;

/** The request with one record in the form that the server wants, where that form means the same; else null. */
export function inServersForm(patches: readonly RrsetPatch[], said: string): RrsetPatch[] | null {
  const [, name, type, sent, wanted] = understood.exec(said) ?? [];
  if (name === undefined || type === undefined || sent === undefined || wanted === undefined || sent === wanted)
    return null;
  if (valueOf(type, sent) !== valueOf(type, wanted)) return null;
  const isMeant = (patch: RrsetPatch): boolean => nameOf(patch.name) === nameOf(name) && patch.type === type;
  if (!patches.some((one) => isMeant(one) && one.records?.some(({ content }) => content === sent))) return null;
  return patches.map((patch) => {
    if (!isMeant(patch) || !patch.records) return patch;
    const records = patch.records.map((one) => (one.content === sent ? { ...one, content: wanted } : one));
    return { ...patch, records };
  });
}
