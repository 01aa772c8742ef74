// The words of messages: both languages of every key. A message is `{ key, params }` until a response, a record or a log is
// written. Parameters are put in once: what a value looks like is never read as a pattern.
import { accessProblems } from './problems/access.ts';
import { decisionsProblems } from './problems/decisions.ts';
import { deployProblems } from './problems/deploy.ts';
import { generalProblems } from './problems/general.ts';
import { hostsProblems } from './problems/hosts.ts';
import { inventoryProblems } from './problems/inventory.ts';
import { requestsProblems } from './problems/requests.ts';
import { former } from './sentences.ts';
import { accessTexts } from './texts/access.ts';
import { approvalsTexts } from './texts/approvals.ts';
import { deployTexts } from './texts/deploy.ts';
import { fieldsTexts } from './texts/fields.ts';
import { inventoryTexts } from './texts/inventory.ts';
import { requestsTexts } from './texts/requests.ts';
import { waitingTexts } from './texts/waiting.ts';
import { fill, type Placeholders } from './fill.ts';
import type { Language, Message, MessageValue } from './message-type.ts';
import { reader } from './read-sentence.ts';
import { wordParams, words } from './words.ts';

export type { Language, Message };

export const problemMessages = {
  ...generalProblems,
  ...accessProblems,
  ...inventoryProblems,
  ...hostsProblems,
  ...deployProblems,
  ...decisionsProblems,
  ...requestsProblems,
} as const;

export const texts = {
  ...fieldsTexts,
  ...accessTexts,
  ...approvalsTexts,
  ...inventoryTexts,
  ...deployTexts,
  ...waitingTexts,
  ...requestsTexts,
} as const;

type Texts = typeof texts;
export type TextKey = keyof typeof texts;
type NamesOf<K extends TextKey> = Placeholders<Texts[K]['en']>;
export type TextParams<K extends TextKey> = [NamesOf<K>] extends [never]
  ? []
  : [params: { readonly [P in NamesOf<K>]: MessageValue }];

/** A message of `texts`. */
export const msg = <K extends TextKey>(key: K, ...[params]: TextParams<K>): Message =>
  params ? { key, params } : { key };

const all: Readonly<Record<string, Readonly<Record<Language, string>>>> = { ...texts, ...problemMessages };

const readSentence = reader(former);

/** Text that is nobody's but a host's or a provider's. */
export const asItIs = (text: string): Message => ({ key: 'as_it_is', params: { text } });

/** The words of a message; those of a key that is not known (of a later release) are the key. */
export function render({ key, params = {} }: Message, language: Language): string {
  if (key === 'sentence') return renderSentence(params['text'], language);
  const pattern = Object.hasOwn(all, key) ? all[key]?.[language] : undefined;
  return pattern === undefined ? key : fill(pattern, (name) => shown(name, params[name], language));
}

/** A text that may be a message, or is nobody's but a provider's. */
export const renderReason = (reason: Message | string, language: Language): string =>
  typeof reason === 'string' ? reason : render(reason, language);

/** The message of a problem; without parameters their names stand in it. */
export const problemText = (key: keyof typeof problemMessages, params: Message['params'], language: Language): string =>
  render({ key, ...(params && { params }) }, language);

/** English sentences are read as the messages that they once were made of; any other text stays as it is. */
function renderSentence(text: MessageValue | undefined, language: Language): string {
  if (typeof text !== 'string') return '';
  const read = language === 'en' ? undefined : readSentence(text);
  return read ? render(read, language) : text;
}

function shown(name: string, value: MessageValue | undefined, language: Language): string | number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  if (typeof value === 'string') return language === 'zh' && wordParams.has(name) ? (words[value] ?? value) : value;
  return 'key' in value ? render(value, language) : value.map((one) => render(one, language)).join(', ');
}
