// The closed list of problems: name → documented code, HTTP status, message in both languages. Workflows, activities and the
// API throw the same Problem; only api/kernel/respond.ts turns one into a response.
import { isSaid, texts, translator, type Filled } from './translations.ts';

import { conflict, define, invalid } from './define.ts';
import { hostProblems } from '../hosts/problems.ts';

const common = {
  internal: define(10000, 500, 'internal error; request {request_id}', '内部错误; 请求 {request_id}'),
  invalid: invalid('validation failed', '参数错误'),
  unauthenticated: define(10002, 401, 'not authenticated', '未认证'),
  wrong_credentials: define(10002, 401, 'wrong username or password', '用户名或密码错误'),
  not_allowed: define(10003, 403, 'not allowed: {permission}', '没有权限: {permission}'),
  own_request: define(10003, 403, 'not allowed: you created this request', '没有权限: 不能审批自己创建的申请'),
  csrf_token: define(10003, 403, 'not allowed: X-CSRF-Token is missing or wrong', '没有权限: X-CSRF-Token 缺失或错误'),
  password_change_due: define(10003, 403, 'not allowed: change your password first', '没有权限: 请先修改密码'),
  not_found: define(10004, 404, 'no such resource', '资源不存在'),
  no_such: define(10004, 404, 'no such {thing}: {id}', '{thing} 不存在: {id}'),
  conflict: conflict('conflicts with the present state', '与资源当前状态冲突'),
  too_many_requests: define(10006, 429, 'too many requests', '请求过于频繁'),
  too_large: define(10007, 413, 'body too large: at most {limit} bytes', '请求体过大: 最多 {limit} 字节'),
  unavailable: define(
    10008,
    503,
    '{dependency} is unavailable; nothing was changed',
    '{dependency} 不可用; 未作任何修改',
  ),
  outcome_unknown: define(
    10008,
    503,
    '{dependency} did not answer, so this may have been done or not: look, or send the same Idempotency-Key again',
    '{dependency} 未响应, 操作可能已执行也可能未执行: 请查看结果, 或使用相同的 Idempotency-Key 重试',
  ),
  method_not_allowed: define(10009, 405, 'method not allowed', '方法不允许'),
  not_json: define(10010, 415, 'the body must be JSON', '请求体必须是 JSON'),
} as const;

const keys = {
  idempotency_mismatch: conflict(
    'this Idempotency-Key was used with another request',
    '该 Idempotency-Key 已用于其他请求',
  ),
  idempotency_pending: conflict(
    'the first request with this Idempotency-Key is still running',
    '使用该 Idempotency-Key 的首个请求仍在处理',
  ),
} as const;

const access = {
  undefined_permission: define(30001, 400, 'undefined permission {name}', '未定义的权限 {name}'),
  no_right_to_grant: define(30002, 400, 'no right to grant {name}', '没有授权权限 {name}'),
  second_factor_due: define(10003, 403, 'not allowed: set up a second factor first', '没有权限: 请先设置双因素认证'),
  login_expired: define(
    10002,
    401,
    'this login has expired; begin again with the password',
    '登录已过期; 请从输入密码重新开始',
  ),
  wrong_code: define(10002, 401, 'wrong code', '验证码错误'),
  second_factor_exists: conflict('there is a second factor already', '已启用双因素认证'),
  no_second_factor: conflict('no second factor is set up', '未设置双因素认证'),
  weak_password: invalid('password too weak', '密码强度不足'),
  wrong_original_password: define(300001, 400, 'original password is wrong', '原始密码错误'),
  link_invalid: invalid('link invalid or expired', '链接无效或已过期'),
  exists: conflict('already exists', '已存在'),
  name_taken: conflict('the name "{name}" is taken', '名称 "{name}" 已存在'),
  builtin_role: conflict('the role {name} is built in', '内置角色 {name} 不可修改'),
  role_in_policies: conflict('{n} approval policies name the role {name}', '{n} 个审批策略使用角色 {name}'),
  last_administrator: conflict('last administrator', '不能停用最后一个管理员'),
  too_many_tokens: conflict('at most {n} tokens a user', '每个用户最多 {n} 个令牌'),
} as const;

const tools = {
  only_http: invalid('only http and https', '仅支持http和https'),
  name_exists: conflict('name already exists', '名称已存在'),
  too_many_navigators: conflict('at most {n} navigators', '最多 {n} 个导航'),
} as const;

const inventory = {
  leaves_policy: define(
    10003,
    403,
    'not allowed: this leaves the approval policy "{policy}", which only an administrator may do',
    '没有权限: 此操作会脱离审批策略 "{policy}", 仅管理员可执行',
  ),
  cycle: conflict('this link would close a cycle: {path}', '会形成循环依赖: {path}'),
  too_deep: conflict('applications nest at most {n} levels deep', '应用层级最多 {n} 层'),
  belongs_elsewhere: conflict('{name} already belongs to {other}', '{name} 已属于 {other}'),
  application_has: conflict('the application still has {n} {things}', '应用仍有 {n} 个{things_zh}'),
  production_has: conflict('the production still has {n} applications', '产品线仍有 {n} 个应用'),
  production_in_policies: conflict('{n} approval policies are about the production', '{n} 个审批策略使用该产品线'),
  instance_exists: conflict('the application has an instance on {host} already', '应用在 {host} 上已有实例'),
  instance_busy: conflict('instance {id} is busy with task {task_id}', '实例 {id} 正被任务 {task_id} 占用'),
  instance_is: conflict('instance {id} is {status}', '实例 {id} 当前状态为 {status}'),
  instance_elsewhere: conflict('instance {id} does not belong to the application', '实例 {id} 不属于该应用'),
  import_is: conflict('the import {id} is {status}', '导入 {id} 当前状态为 {status}'),
  finding_is: conflict('the finding {id} is {difference}', '发现 {id} 的状态为 {difference}'),
  source_unset: conflict('{source} is not configured: {variable} is not set', '{source} 未配置: 未设置 {variable}'),
  not_configured: conflict('the application has no {field}', '应用未配置 {field}'),
  no_pending_commands: conflict('no commands of the application wait for a confirmation', '应用没有待确认的命令'),
  own_commands: define(
    10003,
    403,
    'not allowed: you wrote these commands; somebody else has to confirm them',
    '没有权限: 这些命令由您编写; 需要其他人确认',
  ),
  commands_differ: conflict(
    'the commands have changed: their hash is {present} now; look at them again',
    '命令已变更: 当前哈希为 {present}; 请重新查看',
  ),
  commands_unconfirmed: conflict(
    'the commands of the application wait: a reviewer other than their writer confirms them by POST /applications/{id}/actions/confirm-commands/ with the hash in pending_commands',
    '应用的命令待确认: 需要编写者以外的审批人以 pending_commands 中的 hash 调用 POST /applications/{id}/actions/confirm-commands/',
  ),
  log_absent: define(10004, 404, 'the log file does not exist', '日志文件不存在'),
  log_not_a_file: conflict('the log is not a regular file', '日志不是普通文件'),
  log_outside: conflict('the log file lies outside the configured log roots', '日志文件不在配置的日志目录内'),
  log_unreadable: conflict('the log file cannot be read: {reason}', '无法读取日志文件: {reason}'),
  too_much_to_scan: conflict(
    'more than 256 MiB, or more than its host reads in time, would have to be scanned for these lines: use bytes',
    '读取这些行需要扫描超过 256 MiB, 或主机来不及读取: 请使用 bytes 模式',
  ),
} as const;

const deploy = {
  script_name_taken: define(30001, 500, 'the script name exists already', '脚本名称已存在'),
  script_language: define(30002, 500, 'the language is not supported', '语言不支持'),
  script_engine: define(30003, 500, 'the script engine is not supported', '脚本引擎不支持'),
  script_used: conflict('the script is used by {n} settings or templates', '脚本被 {n} 个设置或模板使用'),
  credential_used: conflict('the credential is used by {n} repositories', '凭证被 {n} 个仓库使用'),
  template_disabled: conflict('the template is not enabled', '模板未启用'),
  template_linked: conflict('the template is linked by {n} applications', '模板被 {n} 个应用关联'),
  template_not_linked: conflict('the application is not linked to template {id}', '应用未关联模板 {id}'),
  settings_disabled: conflict('deploying is disabled in the deploy settings', '部署设置未启用'),
  no_deploy_path: conflict('the application has no deploy path', '应用没有部署路径'),
  deploy_path_of: conflict(
    'application {application} is deployed to {other_path} on host {host}, so this one cannot be deployed to {path} there',
    '应用 {application} 已部署在主机 {host} 的 {other_path}, 本应用不能部署到该主机的 {path}',
  ),
  deploy_path_taken: conflict(
    'another application is deployed to {path} on host {host}, or to a folder in it or above it',
    '另一个应用已部署在主机 {host} 的 {path}, 或其上级、下级目录',
  ),
  linked_deploy_path_taken: conflict(
    'on a host of a linked application another application is deployed to {path}, or to a folder in it or above it',
    '在某个关联应用的主机上, 另一个应用已部署在 {path}, 或其上级、下级目录',
  ),
  no_instances: conflict('the application has no instances', '应用没有实例'),
  before_planned_time: conflict(
    'planned for {time}; start earlier with force',
    '计划执行时间为 {time}; 提前开始需要 force',
  ),
  frozen: conflict(
    'freeze {id} is in force until {until}; start with override',
    '冻结 {id} 在 {until} 之前生效; 请使用 override 开始',
  ),
  another_running: conflict('deploy task {id} of this application is running', '该应用的发布任务 {id} 正在运行'),
  sub_task_running: conflict('sub-task {id} is running', '子任务 {id} 正在运行'),
  not_running: conflict('the deploy task is {status}, not running', '发布任务状态为 {status}, 未在运行'),
  not_in_review: conflict('the deploy task is {status}, not wait_review', '发布任务状态为 {status}, 不在审批中'),
  plan_differs: conflict(
    'the plan has changed: its hash is {present} now; look at it again',
    '计划已变更: 当前哈希为 {present}; 请重新查看',
  ),
  plan_unnamed: conflict(
    'the plan has changed: look at it again, and send "plan_hash": "{present}" with your vote',
    '计划已变更: 请重新查看, 并在投票时发送 "plan_hash": "{present}"',
  ),
  plan_pending: conflict('the plan is still being made: {reason}', '计划尚未生成: {reason}'),
  back_to_review: conflict(
    'the plan has changed since approval; the task is back in review: {difference}',
    '计划在批准后已变更; 任务已退回审批: {difference}',
  ),
  approval_gone: conflict(
    'the approval no longer holds; the task is back in review: {reason}',
    '审批已失效; 任务已退回审批: {reason}',
  ),
  version_differs: conflict('the version of this task is {version}', '该任务的版本为 {version}'),
  package_differs: conflict('this is not the package that was approved: {expected}', '不是已批准的安装包: {expected}'),
  instance_unplanned: conflict(
    'not in the plan that was approved: instances {instances}',
    '不在已批准的计划中: 实例 {instances}',
  ),
  machine_differs: conflict(
    'host {name} is not the machine of the plan: {planned} in the plan, {now} now',
    '主机 {name} 不是计划中的机器: 计划中为 {planned}, 现为 {now}',
  ),
  package_unread: conflict('the package cannot be read: {reason}', '无法读取安装包: {reason}'),
  release_not_kept: conflict(
    'version {version} is not kept; kept are: {kept}',
    '版本 {version} 未保留; 已保留: {kept}',
  ),
  not_rolling: conflict('the deploy task has no rolling strategy', '该发布任务不是滚动发布'),
  already_paused: conflict('the deploy task is paused already', '发布任务已暂停'),
  not_paused: conflict('the deploy task is not paused', '发布任务未暂停'),
  nothing_failed: conflict('no instance of sub-task {id} has failed', '子任务 {id} 没有失败的实例'),
  freeze_over: conflict('the freeze is already over', '冻结期已结束'),
  workflow_lost: conflict(
    'its workflow is gone from the engine; nothing can be decided any more',
    '工作流已丢失; 无法继续操作',
  ),
} as const;

/** Of requests for hosts, domains and certificates. */
const resources = {
  resource_not_in_review: conflict('the request is {status}, not wait_review', '申请单状态为 {status}, 不在审批中'),
  not_approved: conflict('the request is {status}, not approved', '申请单状态为 {status}, 尚未批准'),
  no_failure: conflict('nothing of the request has failed, or it is still running', '申请单没有失败的部分, 或仍在执行'),
  not_available_yet: conflict(
    'fulfilling this kind of request is not available yet; close it, and make the resource by hand',
    '暂不支持交付此类申请; 请关闭申请单并手工处理',
  ),
  back_in_review: conflict('the request is back in review: {reason}', '申请单已退回审批: {reason}'),
  asked_already: conflict('request {id} asks for {what} already', '申请单 {id} 已申请 {what}'),
  asked_by_another: conflict('another open request asks for {what} already', '另一个未完成的申请单已申请 {what}'),
} as const;

/** The decision codes shared by every approved request (409). */
const decisions = {
  already_approved: define(30001, 409, 'the task is already approved', '任务已批准'),
  already_started: define(30001, 409, 'already started', '任务已开始'),
  request_closed: define(30002, 409, 'closed', '任务已关闭'),
  request_finished: define(30003, 409, 'finished', '任务已完成'),
  request_rejected: define(30004, 409, 'rejected', '任务已拒绝'),
  resource_approved: define(30001, 409, 'the request is approved already', '申请单已批准'),
  request_fulfilling: define(30001, 409, 'the approved request is being fulfilled', '申请单已批准'),
  resource_closed: define(30002, 409, 'the request is closed', '申请单已关闭'),
  resource_finished: define(30003, 409, 'the request is finished', '申请单已完成'),
  resource_rejected: define(30004, 409, 'the request is rejected', '申请单已拒绝'),
  no_proof: define(
    10003,
    403,
    'not allowed: this message does not prove where it comes from',
    '没有权限: 该消息未能证明其来源',
  ),
  signals_off: define(10003, 403, 'not allowed: decisions by message are off', '没有权限: 未启用消息审批'),
  message_unreadable: invalid('this message is not a decision', '该消息不是审批决定'),
  message_repeated: conflict('this message was acted on before', '该消息已处理'),
  changed_request: define(10003, 403, 'not allowed: you changed this request last', '没有权限: 您是最后修改该申请的人'),
  not_your_vote: define(
    10003,
    403,
    'not allowed: the policy "{policy}" asks others: {missing}',
    '没有权限: 审批策略 "{policy}" 需要其他人审批: {missing}',
  ),
  not_your_step: conflict(
    'not your step yet: step {step} of {steps} is open: {missing}',
    '尚未轮到您: 当前为第 {step} 步 (共 {steps} 步): {missing}',
  ),
  group_complete: conflict(
    'the votes of your group are there already; missing: {missing}',
    '您所在组的审批已满足; 仍缺少: {missing}',
  ),
  seat_taken: conflict(
    'a vote is cast already by you or in your name, or by the one for whom you stand in; missing: {missing}',
    '您本人、您的受托人或您所代表的人已经投票; 仍缺少: {missing}',
  ),
  no_break_glass: conflict(
    'the policy "{policy}" lets nobody start before the approval',
    '审批策略 "{policy}" 不允许在批准前开始',
  ),
  not_approved_yet: define(30005, 409, 'not approved yet', '任务尚未批准'),
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

/** A message about a field: a sentence of `texts`, or the message of a problem. */
export type Text = Filled<keyof typeof texts | (typeof problems)[ProblemName]['en']>;

/** Translates English messages to Chinese; see `translator`. */
export const inChinese = translator({
  ...Object.fromEntries(Object.values(problems).map(({ en, zh }) => [en, zh])),
  ...texts,
});

export type Language = 'en' | 'zh';
type ProblemParams = Record<string, string | number>;

/** One input field and its error; `field` is a dotted path, with numbers for indexes. */
export interface ProblemDetail {
  field: string;
  message: Text;
}

/** A refusal that the caller can understand and act on. Any other error is an internal one. */
export class Problem extends Error {
  readonly problem: ProblemName;
  readonly params: ProblemParams;
  readonly details: ProblemDetail[];

  constructor(problem: ProblemName, params: ProblemParams = {}, details: ProblemDetail[] = []) {
    super(problemText(problem, params, 'en'));
    this.name = 'Problem';
    this.problem = problem;
    this.params = params;
    this.details = details;
  }
}

/** The message of a problem with its parameters filled in. */
export function problemText(name: ProblemName, params: ProblemParams, language: Language): string {
  return problems[name][language].replace(/\{(\w+)\}/g, (whole, key: string) => {
    const value = String(params[key] ?? whole);
    return language === 'zh' && isSaid(key) ? inChinese(value) : value;
  });
}

/** One field and what is wrong with it. */
export const detail = (field: string, message: Text): ProblemDetail => ({ field, message });

/** A field with a violated problem. */
export const detailOf = (field: string, { message }: Problem): ProblemDetail => detail(field, message as Text);

/** A validation problem about one field. */
export const invalidField = (field: string, message: Text): Problem =>
  new Problem('invalid', {}, [detail(field, message)]);

/** What crosses Temporal's wire (failure details) in place of a Problem. */
export interface ProblemWire {
  problem: ProblemName;
  params: ProblemParams;
  details: ProblemDetail[];
}

export const problemFailureType = 'Problem';

export const toWire = ({ problem, params, details }: Problem): ProblemWire => ({ problem, params, details });

export function fromWire(wire: unknown): Problem | undefined {
  if (typeof wire !== 'object' || wire === null || !('problem' in wire)) return undefined;
  const { problem, params, details } = wire as ProblemWire;
  return problem in problems ? new Problem(problem, params, details) : undefined;
}
