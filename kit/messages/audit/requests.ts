// Audit records of requests of every kind.

export const requestRecords = {
  request_step: { en: '{request}: {event}', zh: '{request}: {event}' },
  request_step_because: { en: '{request}: {event}: {reason}', zh: '{request}: {event}: {reason}' },
  deploy_task: { en: 'deploy task {id}', zh: '发布任务 {id}' },
  deploy_task_of_version: { en: 'deploy task {id} (version {version})', zh: '发布任务 {id} (版本 {version})' },
  host_request: { en: 'host request {id}', zh: '主机申请 {id}' },
  domain_request: { en: 'domain request {id}', zh: '域名申请 {id}' },
  certificate_request: { en: 'certificate request {id}', zh: '证书申请 {id}' },
  decision_refused: {
    en: '{request}: {decision} by message refused: {why}',
    zh: '{request}: 消息审批 {decision} 被拒绝: {why}',
  },
} as const;
