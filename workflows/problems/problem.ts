// The closed list of problems: key → documented code, HTTP status, parameters. Workflows, activities and the API throw the same
// Problem; it gets its words in kit/messages, and only api/kernel/respond.ts turns one into a response.
import { conflict, define, invalid } from './define.ts';
import { hostProblems } from '../hosts/problems.ts';
import { sentence } from './message.ts';
import type { Message, MessageParams, ParamsOf } from './message.ts';

export { listOf, messageOf, say, sentence } from './message.ts';
export type { Message, MessageParams, Reason } from './message.ts';

const common = {
  internal: define(10000, 500, 'request_id'),
  invalid: invalid(),
  unauthenticated: define(10002, 401),
  wrong_credentials: define(10002, 401),
  not_allowed: define(10003, 403, 'permission'),
  own_request: define(10003, 403),
  csrf_token: define(10003, 403),
  password_change_due: define(10003, 403),
  not_found: define(10004, 404),
  no_such: define(10004, 404, 'thing', 'id'),
  conflict: conflict(),
  too_many_requests: define(10006, 429, 'retry_after'),
  too_large: define(10007, 413, 'limit'),
  unavailable: define(10008, 503, 'dependency'),
  outcome_unknown: define(10008, 503, 'dependency'),
  method_not_allowed: define(10009, 405, 'allow'),
  not_json: define(10010, 415),
} as const;

const keys = {
  idempotency_mismatch: conflict(),
  idempotency_pending: conflict(),
} as const;

const access = {
  undefined_permission: define(30001, 400, 'name'),
  no_right_to_grant: define(30002, 400, 'name'),
  second_factor_due: define(10003, 403),
  login_expired: define(10002, 401),
  wrong_code: define(10002, 401),
  second_factor_exists: conflict(),
  no_second_factor: conflict(),
  weak_password: invalid(),
  wrong_original_password: define(300001, 400),
  link_invalid: invalid(),
  exists: conflict(),
  name_taken: conflict('name'),
  builtin_role: conflict('name'),
  role_in_policies: conflict('n', 'name'),
  last_administrator: conflict(),
  too_many_tokens: conflict('n'),
} as const;

const tools = {
  only_http: invalid(),
  name_exists: conflict(),
  too_many_navigators: conflict('n'),
} as const;

const inventory = {
  leaves_policy: define(10003, 403, 'policy'),
  cycle: conflict('path'),
  too_deep: conflict('n'),
  belongs_elsewhere: conflict('name', 'other'),
  application_has: conflict('what'),
  production_has: conflict('n'),
  production_in_policies: conflict('n'),
  instance_exists: conflict('host'),
  instance_busy: conflict('id', 'task_id'),
  instance_is: conflict('id', 'status'),
  instance_elsewhere: conflict('id'),
  import_is: conflict('id', 'status'),
  finding_is: conflict('id', 'difference'),
  source_unset: conflict('source', 'variable'),
  not_configured: conflict('field'),
  no_pending_commands: conflict(),
  own_commands: define(10003, 403),
  commands_differ: conflict('present'),
  commands_unconfirmed: conflict('id'),
  log_absent: define(10004, 404),
  log_not_a_file: conflict(),
  log_outside: conflict(),
  log_unreadable: conflict('reason'),
  too_much_to_scan: conflict(),
} as const;

const deploy = {
  script_name_taken: define(30001, 500),
  script_language: define(30002, 500),
  script_engine: define(30003, 500),
  script_used: conflict('n'),
  credential_used: conflict('n'),
  template_disabled: conflict(),
  template_linked: conflict('n'),
  template_not_linked: conflict('id'),
  settings_disabled: conflict(),
  no_deploy_path: conflict(),
  deploy_path_of: conflict('application', 'other_path', 'host', 'path'),
  deploy_path_taken: conflict('path', 'host'),
  linked_deploy_path_taken: conflict('path'),
  no_instances: conflict(),
  before_planned_time: conflict('time'),
  frozen: conflict('id', 'until'),
  another_running: conflict('id'),
  sub_task_running: conflict('id'),
  not_running: conflict('status'),
  not_in_review: conflict('status'),
  plan_differs: conflict('present'),
  plan_unnamed: conflict('present'),
  plan_pending: conflict('reason'),
  back_to_review: conflict('difference'),
  approval_gone: conflict('reason'),
  version_differs: conflict('version'),
  package_differs: conflict('expected'),
  instance_unplanned: conflict('instances'),
  machine_differs: conflict('name', 'planned', 'now'),
  package_unread: conflict('reason'),
  release_not_kept: conflict('version', 'kept'),
  not_rolling: conflict(),
  already_paused: conflict(),
  not_paused: conflict(),
  nothing_failed: conflict('id'),
  freeze_over: conflict(),
  workflow_lost: conflict(),
} as const;

/** Of requests for hosts, domains and certificates. */
const resources = {
  resource_not_in_review: conflict('status'),
  not_approved: conflict('status'),
  no_failure: conflict(),
  not_available_yet: conflict(),
  asked_already: conflict('id', 'what'),
  asked_by_another: conflict('what'),
} as const;

/** The decision codes shared by every approved request (409). */
const decisions = {
  already_approved: define(30001, 409),
  already_started: define(30001, 409),
  request_closed: define(30002, 409),
  request_finished: define(30003, 409),
  request_rejected: define(30004, 409),
  resource_approved: define(30001, 409),
  request_fulfilling: define(30001, 409),
  resource_closed: define(30002, 409),
  resource_finished: define(30003, 409),
  resource_rejected: define(30004, 409),
  no_proof: define(10003, 403),
  signals_off: define(10003, 403),
  message_unreadable: invalid(),
  message_repeated: conflict(),
  changed_request: define(10003, 403),
  not_your_vote: define(10003, 403, 'policy', 'missing'),
  not_your_step: conflict('step', 'steps', 'missing'),
  group_complete: conflict('missing'),
  seat_taken: conflict('missing'),
  no_break_glass: conflict('policy'),
  not_approved_yet: define(30005, 409),
} as const;

export const problems = {
  ...common,
  ...keys,
  ...access,
  ...tools,
  ...inventory,
  ...hostProblems,
  ...deploy,
  ...resources,
  ...decisions,
} as const;
export type ProblemName = keyof typeof problems;

/** Parameters that stand in a header, not in the message. */
type Unsaid = 'retry_after' | 'allow';
type ParamsOfProblem<N extends ProblemName> = ParamsOf<Exclude<(typeof problems)[N]['params'][number], Unsaid>> &
  Partial<ParamsOf<Extract<(typeof problems)[N]['params'][number], Unsaid>>>;
type Rest<N extends ProblemName> =
  Partial<ParamsOfProblem<N>> extends ParamsOfProblem<N>
    ? [params?: ParamsOfProblem<N>, details?: readonly ProblemDetail[]]
    : [params: ParamsOfProblem<N>, details?: readonly ProblemDetail[]];

/** One input field and its error; `field` is a dotted path, with numbers for indexes. Text is the validator's, in the caller's language. */
export interface ProblemDetail {
  field: string;
  message: Message | string;
}

class ProblemError extends Error {
  readonly problem: ProblemName;
  readonly params: MessageParams;
  readonly details: readonly ProblemDetail[];

  constructor(problem: ProblemName, params: MessageParams = {}, details: readonly ProblemDetail[] = []) {
    super(`${problem} ${JSON.stringify(params)}`);
    this.name = 'Problem';
    this.problem = problem;
    this.params = params;
    this.details = details;
  }

  /** The same, about these fields. */
  with(details: readonly ProblemDetail[]): ProblemError {
    return new ProblemError(this.problem, this.params, details);
  }

  /** Its message, as a part of another one. */
  get said(): Message {
    return { key: this.problem, params: this.params };
  }
}

/** A refusal that the caller can understand and act on. Any other error is an internal one. */
export type Problem = ProblemError;

/** Takes the parameters that the problem's definition names. */
export const Problem = ProblemError as {
  new <N extends ProblemName>(problem: N, ...rest: Rest<N>): ProblemError;
  readonly prototype: ProblemError;
};

/** One field and what is wrong with it. */
export const detail = (field: string, message: Message): ProblemDetail => ({ field, message });

/** A field with a violated problem. */
export const detailOf = (field: string, { said }: Problem): ProblemDetail => detail(field, said);

/** A validation problem about one field. */
export const invalidField = (field: string, message: Message): Problem =>
  new Problem('invalid', {}, [detail(field, message)]);

/** What crosses Temporal's wire (failure details) and is stored in place of a Problem. */
export interface ProblemWire {
  key: ProblemName;
  params: MessageParams;
  details: readonly ProblemDetail[];
}

/** The form from before there were keys: sentences are English. */
interface FormerWire {
  problem: ProblemName;
  params: Readonly<Record<string, string | number>>;
  details: readonly { field: string; message: string }[];
}

export const problemFailureType = 'Problem';

export const toWire = ({ problem, params, details }: Problem): ProblemWire => ({ key: problem, params, details });

export function fromWire(wire: unknown): Problem | undefined {
  if (typeof wire !== 'object' || wire === null) return undefined;
  const { key, params, details } = 'problem' in wire ? present(wire as FormerWire) : (wire as ProblemWire);
  return Object.hasOwn(problems, key) ? new ProblemError(key, params, details) : undefined;
}

const formerSentences = new Set(['reason', 'difference', 'missing']);

function present({ problem, params, details }: FormerWire): ProblemWire {
  const said = Object.entries(params).map(([name, value]): [string, string | number | Message] => [
    name,
    formerSentences.has(name) && typeof value === 'string' ? sentence(value) : value,
  ]);
  return {
    key: problem,
    params: Object.fromEntries(said),
    details: details.map(({ field, message }) => detail(field, sentence(message))),
  };
}
