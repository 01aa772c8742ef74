// What is wrong with fields about people and packages.

export const accessTexts = {
  is_not_the_present_code: {
    en: 'is not the current code; check that the clock of your device is right',
    zh: '不是当前的验证码; 请检查设备时钟是否准确',
  },
  is_needed_for_a_new_email: { en: 'is needed for a new email', zh: '修改邮箱需要密码' },
  is_needed_or_a_code: { en: 'is needed, or a code of the second factor', zh: '必填, 或提供双因素验证码' },
  is_needed_to_update: { en: 'is needed to update', zh: '更新时必填' },
  is_the_present_password: { en: 'is the current password', zh: '与当前密码相同' },
  is_not_the_name_of: { en: 'is not the name of this {thing}', zh: '与该{thing}的名称不符' },
  password_length: {
    en: 'must have 10-128 characters and at most 512 bytes',
    zh: '必须为 10-128 个字符, 最多 512 字节',
  },
  password_common: {
    en: 'is among the passwords that attackers try first; take several unrelated words, or generate one',
    zh: '是最先被猜测的常用密码; 请使用几个互不相关的词, 或由密码管理器生成',
  },
  password_own: {
    en: 'is little more than your name, your address or a word of the company; add unrelated words',
    zh: '几乎只由您的用户名、邮箱或公司相关的词组成; 请加入与之无关的词',
  },
  password_repeated: {
    en: 'repeats a few characters; take more different ones',
    zh: '仅重复少数几个字符; 请使用更多不同的字符',
  },
  must_be_a_phone_number: { en: 'must be 5-20 digits, with or without +', zh: '必须是 5-20 位数字, 可带 +' },
  must_be_a_username: {
    en: 'must be 2-64 lower-case letters, digits, dots, dashes or underscores, beginning with a letter',
    zh: '必须是 2-64 个字母、数字、点、短横线或下划线, 以字母开头',
  },
  this_user_is_disabled: { en: 'this user is disabled', zh: '该用户已停用' },
  at_least_one_is_needed: { en: 'at least one is needed', zh: '至少需要一个' },
  must_be_a_package_name: {
    en: 'must be letters, digits, . _ + or -, beginning with a letter or digit',
    zh: '必须是字母、数字、. _ + 或 -, 以字母或数字开头',
  },
  must_be_a_package_source: {
    en: 'must be salt://, https://, http:// or an absolute path, without a user or password',
    zh: '必须是 salt://、https://、http:// 地址或绝对路径, 且不含用户名和密码',
  },
  must_be_sha256: { en: 'must be 64 hex digits', zh: '必须是 64 位十六进制数字' },
  is_needed_with_http: { en: 'is needed for a source with http://', zh: '使用 http:// 来源时必填' },
  findings_or_all: { en: 'either findings or all is needed', zh: 'findings 与 all 必须给出一个' },
} as const;
