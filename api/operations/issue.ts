// Messages of schemas. Zod carries text only, so what goes through it is a mark that stands for the message; zod's own texts
// come in the caller's language already.
import { msg, type Message, type TextKey, type TextParams } from '../../kit/messages/message.ts';

const marked = new Map<string, Message>();

/** The mark of a message, for a check of a schema; see `msg`. */
export function issue<K extends TextKey>(key: K, ...params: TextParams<K>): string {
  const message = msg(key, ...params);
  const mark = JSON.stringify(message);
  marked.set(mark, message);
  return mark;
}

/** The message of a check, or zod's own text. */
export const issueMessage = (text: string): Message | string => marked.get(text) ?? text;
