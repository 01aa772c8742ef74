// Words that stand in messages, and are no names of people's: objects, and what Slipway depends on.

/** The parameters that are words. */
export const wordParams: ReadonlySet<string> = new Set(['thing', 'dependency']);

/** Their Chinese; in English they are what they are. */
export const words: Readonly<Record<string, string>> = {
  application: '应用',
  host: '主机',
  instance: '实例',
  production: '产品线',
  child: '子应用',
  'required application': '依赖应用',
  'application of this production': '该产品线的应用',
  object: '对象',
  'response person': '负责人',
  user: '用户',
  role: '角色',
  token: '令牌',
  script: '脚本',
  template: '模板',
  credential: '凭证',
  'deploy task': '发布任务',
  'shipped package': '预装软件包',
  'the database': '数据库',
  'the workflow engine': '工作流引擎',
  'audit log': '审计日志',
};
