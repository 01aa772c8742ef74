// Messages of problems with people, sessions and rights.

export const accessProblems = {
  undefined_permission: { en: 'undefined permission {name}', zh: '未定义的权限 {name}' },
  no_right_to_grant: { en: 'no right to grant {name}', zh: '没有授权权限 {name}' },
  second_factor_due: { en: 'not allowed: set up a second factor first', zh: '没有权限: 请先设置双因素认证' },
  login_expired: {
    en: 'this login has expired; start again with your password',
    zh: '登录已过期; 请从输入密码重新开始',
  },
  wrong_code: { en: 'wrong code', zh: '验证码错误' },
  second_factor_exists: { en: 'a second factor is already set up', zh: '已启用双因素认证' },
  no_second_factor: { en: 'no second factor is set up', zh: '未设置双因素认证' },
  weak_password: { en: 'password too weak', zh: '密码强度不足' },
  wrong_original_password: { en: 'original password is wrong', zh: '原始密码错误' },
  link_invalid: { en: 'link invalid or expired', zh: '链接无效或已过期' },
  exists: { en: 'already exists', zh: '已存在' },
  name_taken: { en: 'the name "{name}" is taken', zh: '名称 "{name}" 已存在' },
  builtin_role: { en: 'the role {name} is built in', zh: '内置角色 {name} 不可修改' },
  role_in_policies: {
    en: '{n} approval {n:policy names|policies name} the role {name}',
    zh: '{n} 个审批策略使用角色 {name}',
  },
  last_administrator: { en: 'last administrator', zh: '不能停用最后一个管理员' },
  too_many_tokens: { en: 'at most {n} tokens a user', zh: '每个用户最多 {n} 个令牌' },
} as const;
