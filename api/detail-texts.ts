import type { Language } from '../workflows/problem.ts';

const chinese: Readonly<Record<string, string>> = {
  'unknown field': '未知字段',
  'is missing': '缺失',
  'is there twice': '重复',
  'is given twice': '重复给出',
  'is not valid JSON': '不是有效的 JSON',
  'is not UTF-8': '不是 UTF-8 编码',
  'is nested too deeply': '嵌套过深',
  'holds a NUL character': '包含 NUL 字符',
  'holds text that cannot be stored': '包含无法存储的文本',
  'must be empty': '必须为空',
  'must be an id': '必须是 id',
  'must be in the future': '必须晚于当前时间',
  'must be ISO 8601 with an offset, or Unix seconds': '必须是带时区的 ISO 8601 时间或 Unix 秒',
  'must be 1-255 visible characters': '必须是 1-255 个可见字符',
  'is needed for a new email': '修改邮箱需要密码',
  'is needed to update': '更新时必填',
  'must have role or users, not both': 'role 与 users 只能二选一',
  'cannot be given with application': '不能与 application 同时指定',
  'are for kind deploy_task only': '仅适用于 deploy_task',
  'is for kind deploy_task only': '仅适用于 deploy_task',
  'is needed with escalate_after_hours': '指定 escalate_after_hours 时必填',
  'is needed with escalate_to': '指定 escalate_to 时必填',
  'is needed for kind deploy_task': 'deploy_task 必填',
  'is needed to break glass': '紧急开始时必填',
  'only http and https': '仅支持http和https',
  'must be a path from the root, or http and https': '必须是以 / 开头的路径, 或 http、https 地址',
  'must not be less than from_id': '不能小于 from_id',
  'is the present password': '与当前密码相同',
  'is not the name of this object': '与该对象的名称不符',
  '10-128 characters, neither common nor your name': '10-128 个字符, 不能是常用密码或用户名',
};

/** What is wrong with a field, in the caller's language; texts without a translation stay English. */
export const detailText = (message: string, language: Language): string =>
  language === 'zh' ? (chinese[message] ?? message) : message;
