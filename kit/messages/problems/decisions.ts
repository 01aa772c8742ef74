// Messages of problems with the approval of requests.

export const decisionsProblems = {
  already_approved: { en: 'the task is already approved', zh: '任务已批准' },
  already_started: { en: 'already started', zh: '任务已开始' },
  request_closed: { en: 'closed', zh: '任务已关闭' },
  request_finished: { en: 'finished', zh: '任务已完成' },
  request_rejected: { en: 'rejected', zh: '任务已拒绝' },
  no_proof: {
    en: 'not allowed: this message carries no valid proof of its sender',
    zh: '没有权限: 该消息未能证明其来源',
  },
  signals_off: { en: 'not allowed: decisions by message are off', zh: '没有权限: 未启用消息审批' },
  message_unreadable: { en: 'this message is not a decision', zh: '该消息不是审批决定' },
  message_repeated: { en: 'this message was already processed', zh: '该消息已处理' },
  changed_request: { en: 'not allowed: you changed this request last', zh: '没有权限: 您是最后修改该申请的人' },
  not_your_vote: {
    en: 'not allowed: the policy "{policy}" asks others: {missing}',
    zh: '没有权限: 审批策略 "{policy}" 需要其他人审批: {missing}',
  },
  not_your_step: {
    en: 'not your step yet: step {step} of {steps} is open: {missing}',
    zh: '尚未轮到您: 当前为第 {step} 步 (共 {steps} 步): {missing}',
  },
  group_complete: {
    en: 'your group already has its votes; missing: {missing}',
    zh: '您所在组的审批已满足; 仍缺少: {missing}',
  },
  seat_taken: {
    en: 'you, your delegate or the person you stand in for has already voted; missing: {missing}',
    zh: '您本人、您的受托人或您所代表的人已经投票; 仍缺少: {missing}',
  },
  no_break_glass: {
    en: 'the policy "{policy}" does not allow a start before the approval',
    zh: '审批策略 "{policy}" 不允许在批准前开始',
  },
  not_approved_yet: { en: 'not approved yet', zh: '任务尚未批准' },
} as const;
