// One record as people send it: every rule that needs no look at other records.
import { domainName, isReverse, ownerName } from './names.ts';
import { checked, refuse, type Checked } from './refusals.ts';
import { isRecordType, maximalTtl, recordTypes, type RecordType } from './types.ts';
import { canonicalValue } from './values.ts';

interface RecordInput {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

interface CheckedRecord {
  readonly name: string;
  readonly type: RecordType;
  readonly value: string;
}

/** The type of its name in any letter case. */
function recordType(text: string): RecordType {
  const type = text.toUpperCase();
  return isRecordType(type) ? type : refuse('type_unsupported', { types: recordTypes.join(' ') }, 'type');
}

function checkPlace({ name, type, value }: CheckedRecord, domain: string): void {
  if (type === 'CNAME' && name === domain) refuse('cname_apex', {}, 'type');
  if (type === 'CNAME' && name === value) refuse('cname_itself', {}, 'value');
  if (type === 'DS' && name === domain) refuse('ds_apex', {}, 'name');
  if (type === 'PTR' && !isReverse(domain)) refuse('ptr_domain', {}, 'type');
}

/** The record in canonical form, or what is wrong with it. `domain` is canonical. */
export function checkRecord(input: RecordInput, domain: string): Checked<CheckedRecord> {
  return checked('value', () => {
    const type = recordType(input.type);
    const name = checked('name', () => ownerName(input.name, type, domain));
    if (name.refusal) return refuse(name.refusal.rule, name.refusal.params, 'name');
    const record = { name: name.value, type, value: canonicalValue(type, input.value) };
    checkPlace(record, domain);
    return record;
  });
}

/** The canonical name of a domain, or what is wrong with it. */
export const checkDomain = (text: string): Checked<string> => checked('name', () => domainName(text));

/** A time to live in seconds. */
export const checkTtl = (seconds: number): Checked<number> =>
  checked('ttl', () =>
    Number.isInteger(seconds) && seconds >= 1 && seconds <= maximalTtl ? seconds : refuse('ttl_range'),
  );
