// A text for people before it has words. It crosses the engine in this form (workflows/problems/message.ts).

export type Language = 'en' | 'zh';

export type MessageValue = string | number | Message | readonly Message[];

export interface Message {
  key: string;
  params?: Readonly<Record<string, MessageValue>>;
}
