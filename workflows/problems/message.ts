// A text for people before it has words: a key and its parameters. It crosses the engine and is stored in this form, and gets
// its words where a response or a record is written (kit/messages).
import type { Message } from '../../kit/messages/message-type.ts';

export type { Message };
export type MessageParams = NonNullable<Message['params']>;

type Value = string | number;
/** A message, or text that is no message of ours, such as a provider's. */
export type Reason = Message | string;

/** The parameters of problems and sentences: what each name stands for, wherever it is used. */
interface Params {
  allow: string;
  application: Value;
  by: string;
  creator: string;
  dependency: 'the database' | 'the workflow engine' | 'audit log';
  difference: Reason;
  expected: string;
  field: string;
  from: string;
  host: string;
  id: Value;
  ids: string;
  instances: string;
  items: readonly Message[];
  kept: string;
  limit: number;
  m: number;
  missing: Reason;
  mistake: Message;
  n: number;
  name: string;
  now: string;
  other: string;
  other_path: string;
  owner: string;
  path: string;
  permission: string;
  planned: string;
  policy: string;
  present: string;
  reason: Reason;
  request_id: string;
  retry_after: number;
  role: string;
  source: string;
  status: string;
  step: number;
  steps: number;
  task_id: Value;
  text: string;
  /** A word of `kit/messages/words.ts`. */
  thing: string;
  time: string;
  to: string;
  until: string;
  users: string;
  variable: string;
  version: string;
  way: string;
  what: Reason;
}

export type ParamName = keyof Params;
export type ParamsOf<P extends ParamName> = { readonly [K in P]: Params[K] };

/** The sentences that workflows write, with the names of their parameters. */
export const sentences = {
  list: ['items'],
  sentence: ['text'],
  must_be_somebody_else: [],
  plan_is_being_made: [],
  package_is_being_read: [],
  waits_for_package: ['reason', 'creator'],
  back_in_review: ['mistake', 'reason'],
  and_plan_differs: ['reason', 'difference'],
  not_by_creator: ['mistake', 'creator'],
  at_step: ['mistake', 'n', 'm'],
  more_of_role: ['n', 'role'],
  more_of_users_and_others: ['n', 'users', 'm'],
  more_of_users: ['n', 'users'],
  or_of_role: ['role'],
  more_looks: ['n', 'permission'],
  more_by_holders: ['n', 'permission'],
  planned_for: ['time', 'owner'],
  planned_auto_start: ['time', 'owner'],
  held_before_start: ['id', 'owner'],
  held_before_start_until: ['id', 'time', 'owner'],
  held_in_rollout: ['id', 'owner'],
  held_in_rollout_until: ['id', 'time', 'owner'],
  starts_by_itself: [],
  starts_after_task: ['id'],
  next_batch_comes: ['owner'],
  paused_by_owner: ['owner'],
  paused_because: ['reason', 'owner'],
  host_to_admit: ['name'],
  owner_can_start: ['owner'],
  sub_task_is_running: ['n', 'ids'],
  can_run_sub_tasks: ['owner'],
  is_being_fulfilled: [],
  stands_still: ['reason', 'permission'],
} as const satisfies Record<string, readonly ParamName[]>;

type Sentence = keyof typeof sentences;
type Given<P extends ParamName> = [P] extends [never] ? [] : [params: ParamsOf<P>];

/** One sentence of a workflow. */
export const say = <K extends Sentence>(key: K, ...[params]: Given<(typeof sentences)[K][number]>): Message =>
  params ? { key, params } : { key };

/** Messages separated by commas. */
export const listOf = (items: readonly Message[]): Message =>
  items.length === 1 && items[0] ? items[0] : say('list', { items });

/** An English sentence of a history, of a row or of the template renderer, from before or without keys. */
export const sentence = (text: string): Message => say('sentence', { text });

/** A reason of an activity: one from before there were keys is an English sentence. */
export const messageOf = (reason: Reason): Message => (typeof reason === 'string' ? sentence(reason) : reason);
