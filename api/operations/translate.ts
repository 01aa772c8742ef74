import { inChinese } from '../../workflows/problems/problem.ts';
import type { WaitingOn } from '../../workflows/tasks/contract.ts';
import type { Ctx } from './context.ts';

/** A sentence in the caller's language. */
export const said = ({ language }: Pick<Ctx, 'language'>, text: string): string =>
  language === 'zh' ? inChinese(text) : text;

/** A waiting reason in the caller's language. */
export const saidWaiting = (ctx: Pick<Ctx, 'language'>, waiting: WaitingOn | null): WaitingOn | null =>
  waiting && { ...waiting, text: said(ctx, waiting.text) };
