// The words of messages for operators: the Temporal UI's details, the `state` query and the workflow's log are in English. Texts
// are no part of a decision, so changing one never breaks a replay.
import { renderReason } from '../../kit/messages/message.ts';
import type { Reason } from '../problems/problem.ts';

export const inWords = (reason: Reason): string => renderReason(reason, 'en');
