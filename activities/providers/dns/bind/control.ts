// Zones by rndc. Names and file names are quoted; a name with a quotation mark or a brace in it is refused before.
import { DnsRefusedError, DnsZoneExistsError, DnsZonesFixedError, remoteWords } from '../errors.ts';
import type { BindAccess } from '../access.ts';
import type { ZoneKind } from '../driver.ts';
import type { Rndc, RndcAnswer } from './rndc.ts';

interface ZoneStatus {
  kind: ZoneKind;
  /** BIND signs it itself. */
  signsItself: boolean;
  /** Not of named.conf: it can be removed for good. */
  isRemovable: boolean;
}

export interface Control {
  /** Null: the server does not have the zone. */
  status(zone: string): Promise<ZoneStatus | null>;
  version(): Promise<string | null>;
  canCreateZones(): Promise<boolean>;
  /** `config` is within the braces. `no_file`: the file of a primary zone is not there. */
  add(zone: string, config: string): Promise<'added' | 'no_file'>;
  /** Removes it; `clean`: with its file. Without effect if it does not exist. */
  remove(zone: string, clean: boolean): Promise<void>;
  /** Writes the zone's file. */
  sync(zone: string): Promise<void>;
}

const safe = /^[^"\\{};\s\p{Cc}]{1,255}$/u;

/** A word in quotation marks. */
export function quotedWord(server: string, word: string): string {
  if (!safe.test(word)) throw new DnsRefusedError(server, 'a name has characters that rndc does not take');
  return `"${word}"`;
}

/** `addzone` takes no quotation marks around a view. */
function bareWord(server: string, word: string): string {
  if (!/^[\w.-]+$/.test(word))
    throw new DnsRefusedError(server, 'the name of the view has characters that rndc does not take');
  return word;
}

const wordsOf = ({ error, text }: RndcAnswer): string => remoteWords(`${error} ${text}`);
const isMissing = (answer: RndcAnswer): boolean => /not found|no matching zone/i.test(wordsOf(answer));

/** A zone of this name does not exist anywhere (RFC 6761). */
const noZone = 'slipway-check.invalid';

/** Creates the control of a server. */
export function createControl({ server, view }: Pick<BindAccess, 'server' | 'view'>, rndc: Rndc): Control {
  const at = (zone: string): string =>
    `${quotedWord(server, zone)} IN${view === null ? '' : ` ${bareWord(server, view)}`}`;
  const failed = (answer: RndcAnswer): DnsRefusedError =>
    new DnsRefusedError(server, `rndc refuses: ${wordsOf(answer)}`);
  const has = (text: string, field: string, value: string): boolean =>
    new RegExp(`^${field}: ${value}$`, 'm').test(text);
  return {
    status: async (zone) => {
      const answer = await rndc(`zonestatus ${at(zone)}`);
      if (!answer.isDone && isMissing(answer)) return null;
      if (!answer.isDone) throw failed(answer);
      const { text } = answer;
      return {
        kind: has(text, 'type', '(?:primary|master)') ? 'primary' : 'secondary',
        signsItself: has(text, 'inline signing', 'yes') || has(text, 'key maintenance', '(?!none).+'),
        isRemovable: has(text, 'reconfigurable via modzone', 'yes'),
      };
    },
    version: async () => {
      const answer = await rndc('status');
      if (!answer.isDone) throw failed(answer);
      return /^version: (?:BIND )?(\S{1,100})/m.exec(answer.text)?.[1] ?? null;
    },
    canCreateZones: async () => isMissing(await rndc(`modzone ${at(noZone)} { type primary; file "none"; };`)),
    add: async (zone, config) => {
      const answer = await rndc(`addzone ${at(zone)} { ${config} };`);
      if (answer.isDone) return 'added';
      if (/file not found/i.test(wordsOf(answer))) return 'no_file';
      if (/already exists/i.test(wordsOf(answer))) throw new DnsZoneExistsError(server, zone);
      if (/permission denied|not allowed/i.test(wordsOf(answer)))
        throw new DnsZonesFixedError(server, 'zones cannot be created there; it needs "allow-new-zones yes"');
      throw failed(answer);
    },
    remove: async (zone, clean) => {
      const answer = await rndc(`delzone ${clean ? '-clean ' : ''}${at(zone)}`);
      if (!answer.isDone && !isMissing(answer)) throw failed(answer);
    },
    sync: async (zone) => {
      const answer = await rndc(`sync ${at(zone)}`);
      if (!answer.isDone) throw failed(answer);
    },
  };
}
