// A text for people before it has words; workflows/problems/message.ts has the same form, for what crosses the engine.

export type Language = 'en' | 'zh';

export type Value = string | number | Message | readonly Message[];

export interface Message {
  key: string;
  params?: Readonly<Record<string, Value>>;
}
