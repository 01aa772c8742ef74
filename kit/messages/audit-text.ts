// What audit records say: records keep both languages finished, since they are sealed and outlive any table of texts.
import { accessRecords } from './audit/access.ts';
import { deployRecords } from './audit/deploy.ts';
import { inventoryRecords } from './audit/inventory.ts';
import { requestRecords } from './audit/requests.ts';
import { fill, type Placeholders } from './fill.ts';
import { renderReason, type Language, type Message } from './message.ts';

/** One text in both languages; user text in it goes through `quote` of db/audit/text.ts. */
type InBoth = Readonly<Record<Language, string>>;

export const auditTexts = { ...accessRecords, ...inventoryRecords, ...deployRecords, ...requestRecords } as const;
type AuditTextKey = keyof typeof auditTexts;

type NamesOf<K extends AuditTextKey> = Placeholders<(typeof auditTexts)[K]['en']>;
type ParamsOf<K extends AuditTextKey> = [NamesOf<K>] extends [never]
  ? []
  : [params: { readonly [P in NamesOf<K>]: string | number | InBoth }];

/** The text of a record; parameters may be texts in both languages. */
export function auditText<K extends AuditTextKey>(key: K, ...[params]: ParamsOf<K>): { en: string; zh: string } {
  const given: Readonly<Record<string, string | number | InBoth>> = params ?? {};
  const textIn = (language: Language): string =>
    fill(auditTexts[key][language], (name) => {
      const value = given[name];
      return typeof value === 'object' ? value[language] : value;
    });
  return { en: textIn('en'), zh: textIn('zh') };
}

/** A word of a closed list, such as `kind_…`; one that has no text stays as it is. */
export function auditWord(group: 'event' | 'kind' | 'status', word: string): InBoth {
  const key = `${group}_${word}`;
  return Object.hasOwn(auditTexts, key) ? auditTexts[key as AuditTextKey] : { en: word, zh: word };
}

/** A reason or problem in both languages. */
export const inBoth = (reason: Message | string, shown = (text: string): string => text): InBoth => ({
  en: shown(renderReason(reason, 'en')),
  zh: shown(renderReason(reason, 'zh')),
});
