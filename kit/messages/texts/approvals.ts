// What is wrong with an approval policy or a link.

export const approvalsTexts = {
  role_or_users: { en: 'must have role or users, not both', zh: 'role 与 users 只能二选一' },
  not_with_application: { en: 'cannot be given with application', zh: '不能与 application 同时指定' },
  are_for_deploy_tasks: { en: 'are for kind deploy_task only', zh: '仅适用于 deploy_task' },
  is_for_deploy_tasks: { en: 'is for kind deploy_task only', zh: '仅适用于 deploy_task' },
  is_needed_with_escalate_after_hours: {
    en: 'is needed with escalate_after_hours',
    zh: '指定 escalate_after_hours 时必填',
  },
  is_needed_with_escalate_to: { en: 'is needed with escalate_to', zh: '指定 escalate_to 时必填' },
  level_by_policy: {
    en: 'must be {level} or above, as the approval policy {policy} demands',
    zh: '审批策略 {policy} 要求级别不低于 {level}',
  },
  is_needed_to_break_glass: { en: 'is needed to break glass', zh: '紧急开始时必填' },
  nobody_of_role_holds: { en: 'nobody of role {role} holds {permission}', zh: '角色 {role} 中无人拥有 {permission}' },
  nobody_can_satisfy: {
    en: 'cannot be satisfied today: of {whom}, {count} are needed, but only {has} hold {permission} and are not needed by other groups',
    zh: '目前无人能满足: {whom} 中, 需要 {count} 人, 仅 {has} 人拥有 {permission} 且未被其他组占用',
  },
  must_be_a_path_or_http: {
    en: 'must be a path that begins with /, or an http or https address',
    zh: '必须是以 / 开头的路径, 或 http、https 地址',
  },
  must_not_be_less_than_from_id: { en: 'must not be less than from_id', zh: '不能小于 from_id' },
  // the caller's part in a request
  your_vote_is_asked: { en: 'your vote is asked for', zh: '需要您的审批' },
  you_created_it: { en: 'you created it', zh: '您是申请人' },
  you_changed_it: { en: 'you changed it last', zh: '您是最后修改人' },
  you_voted: { en: 'you voted already', zh: '您已审批' },
  you_lack: { en: 'you lack {permission} on {target}', zh: '您缺少 {target} 的 {permission} 权限' },
  not_your_step_yet: { en: 'not your step yet', zh: '尚未轮到您' },
  your_group_has_voted: { en: 'your group already has its votes', zh: '您所在组的审批已满足' },
  no_group_of_yours: { en: 'you are not in any of the groups that are asked', zh: '您不在审批组中' },
} as const;
