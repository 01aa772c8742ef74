import { render, renderReason, type Message } from '../../kit/messages/message.ts';
import type { WaitingOn } from '../../workflows/tasks/contract.ts';
import type { Ctx } from './context.ts';

/** A message in the caller's language. */
export const said = ({ language }: Pick<Ctx, 'language'>, message: Message): string => render(message, language);

/** A waiting reason in the caller's language. */
export const saidWaiting = ({ language }: Pick<Ctx, 'language'>, waiting: WaitingOn | null) =>
  waiting && { ...waiting, text: renderReason(waiting.text, language) };
