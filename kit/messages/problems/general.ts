// Messages of the problems that any request may meet.

export const generalProblems = {
  internal: { en: 'internal error; request {request_id}', zh: '内部错误; 请求 {request_id}' },
  invalid: { en: 'validation failed', zh: '参数错误' },
  unauthenticated: { en: 'not authenticated', zh: '未认证' },
  wrong_credentials: { en: 'wrong username or password', zh: '用户名或密码错误' },
  not_allowed: { en: 'not allowed: {permission}', zh: '没有权限: {permission}' },
  own_request: { en: 'not allowed: you created this request', zh: '没有权限: 不能审批自己创建的申请' },
  csrf_token: { en: 'not allowed: X-CSRF-Token is missing or wrong', zh: '没有权限: X-CSRF-Token 缺失或错误' },
  password_change_due: { en: 'not allowed: change your password first', zh: '没有权限: 请先修改密码' },
  not_found: { en: 'no such resource', zh: '资源不存在' },
  no_such: { en: 'no such {thing}: {id}', zh: '{thing} 不存在: {id}' },
  conflict: { en: 'conflicts with the current state of the resource', zh: '与资源当前状态冲突' },
  too_many_requests: { en: 'too many requests', zh: '请求过于频繁' },
  too_large: { en: 'body too large: at most {limit} bytes', zh: '请求体过大: 最多 {limit} 字节' },
  unavailable: { en: '{dependency} is unavailable; nothing was changed', zh: '{dependency} 不可用; 未作任何修改' },
  outcome_unknown: {
    en: '{dependency} did not respond, so this may or may not have been done: check the result, or retry with the same Idempotency-Key',
    zh: '{dependency} 未响应, 操作可能已执行也可能未执行: 请查看结果, 或使用相同的 Idempotency-Key 重试',
  },
  method_not_allowed: { en: 'method not allowed', zh: '方法不允许' },
  not_json: { en: 'the body must be JSON', zh: '请求体必须是 JSON' },
  idempotency_mismatch: {
    en: 'this Idempotency-Key was used with another request',
    zh: '该 Idempotency-Key 已用于其他请求',
  },
  idempotency_pending: {
    en: 'the first request with this Idempotency-Key is still running',
    zh: '使用该 Idempotency-Key 的首个请求仍在处理',
  },
  only_http: { en: 'only http and https', zh: '仅支持http和https' },
  name_exists: { en: 'name already exists', zh: '名称已存在' },
  too_many_navigators: { en: 'at most {n} navigators', zh: '最多 {n} 个导航' },
} as const;
