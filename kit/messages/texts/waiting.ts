// Why a request waits, what is missing, and how two plans differ.

export const waitingTexts = {
  plan_is_being_made: { en: 'its plan is being made', zh: '正在生成计划' },
  waits_for_package: {
    en: 'its package cannot be read: {reason}; {creator} can provide it, or change the task',
    zh: '无法读取安装包: {reason}; {creator} 可以放置安装包或修改任务',
  },
  back_in_review: { en: '{mistake}, back in review: {reason}', zh: '{mistake}, 已退回审批: {reason}' },
  policy_applies_now: {
    en: 'the approval policy {policy} applies now; missing: {reason}',
    zh: '现适用审批策略 {policy}; 缺少: {reason}',
  },
  policy_demands_level: {
    en: 'the approval policy {policy} demands level {level} or above',
    zh: '审批策略 {policy} 要求级别不低于 {level}',
  },
  policy_lets_break_glass: {
    en: 'the approval policy {policy} applies now, and lets {whom} break glass',
    zh: '现适用审批策略 {policy}, 允许紧急开始的是 {whom}',
  },
  votes_no_longer_count: {
    en: 'votes of {users} no longer count; missing: {reason}',
    zh: '{users} 的投票不再有效; 缺少: {reason}',
  },
  votes_not_enough: {
    en: 'the votes cast no longer suffice; missing: {reason}',
    zh: '现有投票不再足够; 缺少: {reason}',
  },
  and_plan_differs: { en: '{reason}; the plan differs too: {difference}', zh: '{reason}; 计划也有变更: {difference}' },
  not_by_creator: { en: '{mistake}, not by {creator}', zh: '{mistake}, 创建人 {creator} 除外' },
  at_step: { en: '{mistake} (step {n} of {m})', zh: '{mistake} (第 {n} 步, 共 {m} 步)' },
  more_of_role: { en: '{n} more of role {role}', zh: '还需角色 {role} 的 {n} 个批准' },
  more_of_users_and_others: { en: '{n} more of {users}, {m} others', zh: '还需 {users} 及另外 {m} 人中 {n} 人的批准' },
  more_of_users: { en: '{n} more of {users}', zh: '还需 {users} 中 {n} 人的批准' },
  or_of_role: { en: 'or of role {role}', zh: '或角色 {role} 的成员' },
  more_looks: {
    en: '{n} more to review it afterwards, by holders of {permission}',
    zh: '还需 {n} 人事后查看, 由拥有 {permission} 权限的用户进行',
  },
  more_by_holders: {
    en: '{n} more by holders of {permission}',
    zh: '还需 {n} 个批准, 由拥有 {permission} 权限的用户给出',
  },
  stop_asks_host: {
    en: 'not recorded as running: the host is checked, and it is stopped only if it runs',
    zh: '未记录为运行中: 将询问主机, 仅在运行时停止',
  },
  stop_to_be_sure: {
    en: 'not recorded as running, and there is no pid_path to check: if there is a release, the stop command is run anyway, and may fail',
    zh: '未记录为运行中, 且无 pid_path 可供判断: 若有发布版本则执行停止命令以确保停止, 允许失败',
  },
  planned_for: {
    en: 'planned for {time}; {owner} may start it earlier with force',
    zh: '计划时间 {time}; {owner} 可用 force 提前开始',
  },
  planned_auto_start: {
    en: 'planned for {time}, when it starts automatically; {owner} may start it earlier with force',
    zh: '计划时间 {time}, 届时自动开始; {owner} 可用 force 提前开始',
  },
  held_before_start: {
    en: 'held by freeze {id}, then it starts automatically; {owner} may start it earlier with override and a reason, if they hold override_freeze',
    zh: '被冻结期 {id} 阻止, 结束后自动开始; {owner} 拥有 override_freeze 权限时可用 override 和理由提前开始',
  },
  held_before_start_until: {
    en: 'held by freeze {id} until {time}, then it starts automatically; {owner} may start it earlier with override and a reason, if they hold override_freeze',
    zh: '被冻结期 {id} 阻止至 {time}, 之后自动开始; {owner} 拥有 override_freeze 权限时可用 override 和理由提前开始',
  },
  held_in_rollout: {
    en: 'held by freeze {id}, then its next batch begins; {owner} can close it',
    zh: '被冻结期 {id} 阻止, 结束后开始下一批; {owner} 可以关闭任务',
  },
  held_in_rollout_until: {
    en: 'held by freeze {id} until {time}, then its next batch begins; {owner} can close it',
    zh: '被冻结期 {id} 阻止至 {time}, 之后开始下一批; {owner} 可以关闭任务',
  },
  starts_by_itself: { en: 'it starts automatically', zh: '即将自动开始' },
  starts_after_task: { en: 'it starts automatically after task {id}', zh: '任务 {id} 结束后自动开始' },
  next_batch_comes: {
    en: 'its next batch begins automatically; {owner} can pause or close it',
    zh: '下一批将自动开始; {owner} 可以暂停或关闭任务',
  },
  paused_by_owner: {
    en: 'paused; {owner} can resume it, upgrade or revert instances, or close it',
    zh: '已暂停; {owner} 可以继续、升级、回滚实例或关闭任务',
  },
  paused_because: {
    en: 'paused ({reason}); {owner} can resume it, upgrade or revert instances, or close it',
    zh: '已暂停 ({reason}); {owner} 可以继续、升级、回滚实例或关闭任务',
  },
  host_to_admit: {
    en: 'host {name} has to be admitted by someone who holds manage_host',
    zh: '主机 {name} 需由具有 manage_host 权限的人员准入',
  },
  owner_can_start: { en: '{owner} can start it', zh: '{owner} 可以开始' },
  sub_task_is_running: { en: '{n:sub-task|sub-tasks} {ids} {n:is|are} running', zh: '子任务 {ids} 正在运行' },
  can_run_sub_tasks: {
    en: '{owner} can upgrade or revert instances, or close it',
    zh: '{owner} 可以升级、回滚实例或关闭任务',
  },
  is_being_fulfilled: { en: 'it is being fulfilled', zh: '正在交付' },
  stands_still: {
    en: 'it stands still: {reason}; holders of {permission} can retry or close it',
    zh: '已停滞: {reason}; 拥有 {permission} 权限的用户可以重试或关闭',
  },
  plan_differs_by: { en: 'the plan differs: {difference}', zh: '计划有变更: {difference}' },
  first_step_begins: { en: 'its first step is about to begin', zh: '第一步即将开始' },
  and_more: { en: 'and {n} more', zh: '以及另外 {n} 个' },
  names_read_as_gbk: {
    en: '{n} {n:name was|names were} not UTF-8 and read as GBK, such as "{name}"',
    zh: '有 {n} 个文件名不是 UTF-8, 已按 GBK 读取, 例如 "{name}"',
  },
  names_read_as_utf8: {
    en: '{n} {n:name|names} may be UTF-8 or GBK and {n:was|were} read as UTF-8, such as "{name}"',
    zh: '有 {n} 个文件名既可能是 UTF-8 也可能是 GBK, 已按 UTF-8 读取, 例如 "{name}"',
  },
  entries_repeated: {
    en: '{n} {n:entry comes|entries come} more than once, and the last one counts, such as "{name}"',
    zh: '有 {n} 个条目重复, 以最后一个为准, 例如 "{name}"',
  },
  differs_strategy: { en: 'the strategy', zh: '滚动策略' },
  differs_repository: { en: 'the repository', zh: '仓库' },
  differs_package: { en: 'the package', zh: '安装包' },
  differs_hook: { en: 'hook {name}', zh: '钩子 {name}' },
  differs_instances: { en: 'the instances or their versions', zh: '实例或其版本' },
  differs_machines: { en: 'the machines of {names}', zh: '以下实例的机器: {names}' },
  differs_health_check: { en: 'the addresses of the health check', zh: '健康检查的地址' },
  differs_plan: { en: 'the plan', zh: '计划' },
  package_is_being_read: { en: 'its package is being read', zh: '正在读取安装包' },
  // parts of other messages
  role_named: { en: 'role {role}', zh: '角色 {role}' },
  nobody: { en: 'nobody', zh: '无人' },
  list: { en: '{items}', zh: '{items}' },
  as_it_is: { en: '{text}', zh: '{text}' },
} as const;
