// Mailboxes of SOA records: `john.doe@example.com` is the name `john\.doe.example.com` (RFC 1035, 3.3.12 and 8).
import { canonicalName, isWithin, labelsOf } from './labels.ts';
import { hostName } from './names.ts';
import { checked, refuse, type Checked } from './refusals.ts';

const mailbox = /^([a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,63})@([^@]+)$/i;

/** The name of a contact given as a mailbox or as a name. */
export function checkContact(text: string): Checked<string> {
  return checked('soa_contact', () => {
    if (text.length > 253) refuse('name_length');
    if (!text.includes('@')) return rname(text);
    const [, local = '', host = ''] = mailbox.exec(text) ?? [];
    if (local === '' || /^\.|\.\.|\.$/.test(local)) refuse('mailbox_invalid');
    return canonicalName(`${local.replace(/[.$@()";\\]/g, '\\$&')}.${hostName(host)}.`);
  });
}

/** A name whose first label may have escaped dots. */
function rname(text: string): string {
  const labels = labelsOf(text.replace(/\.$/, ''));
  const [first = '', ...rest] = labels;
  if (rest.length === 0 || !/^(?:[a-z0-9_+-]|\\[.$])+$/i.test(first)) refuse('mailbox_invalid');
  return canonicalName(`${first}.${rest.length === 1 ? (rest[0] ?? '') : hostName(rest.join('.'))}.`);
}

/** The mailbox of a name; the name itself where it has no local part. */
export function mailboxOf(name: string): string {
  const [first = '', ...rest] = labelsOf(name);
  return rest.length === 0 ? name : `${first.replace(/\\(.)/g, '$1')}@${rest.join('.')}`;
}

/** The contact of a domain whose server names no other: below `arpa` nobody has a mailbox in the domain. */
export const defaultContact = (domain: string, nameservers: readonly string[]): string =>
  `hostmaster.${isWithin(domain, 'arpa') ? (nameservers[0] ?? domain) : domain}`;
