// What is wrong with a deploy: its fields, repository, scripts and templates.

export const deployTexts = {
  must_be_a_version: {
    en: 'must be 1-128 letters, digits, . _ - + :, beginning with a letter or digit',
    zh: '必须是 1-128 个字母、数字或 . _ - + :, 以字母或数字开头',
  },
  is_needed_to_override_a_freeze: { en: 'is needed to override a freeze', zh: '越过冻结期时必填' },
  needs_zabbix_url: { en: 'needs SLIPWAY_ZABBIX_URL to be set', zh: '需要设置 SLIPWAY_ZABBIX_URL' },
  must_be_a_probe_address: {
    en: 'must be http or https without a password; {{ip}} and {{hostname}} are filled in',
    zh: '必须是不含密码的 http 或 https 地址; {{ip}} 和 {{hostname}} 会被替换',
  },
  names_an_instance_twice: { en: 'names an instance twice', zh: '实例重复' },
  must_be_an_enabled_user: { en: 'must be an enabled user', zh: '必须是已启用的用户' },
  must_be_an_enabled_viewer: {
    en: 'must be an enabled user who may view the application',
    zh: '必须是已启用且能查看该应用的用户',
  },
  must_be_somebody_else: { en: 'must be somebody other than you or the creator', zh: '不能是您本人或创建人' },
  must_be_this_application: { en: 'must be this application alone', zh: '只能是该应用' },
  must_be_the_secret: { en: 'must be the secret itself', zh: '必须是密钥或密码本身' },
  must_have_no_passphrase: { en: 'must have no passphrase', zh: '不能有密码短语' },
  must_be_a_private_key: {
    en: 'must be an RSA, ECDSA or Ed25519 private key in PEM or OpenSSH form',
    zh: '必须是 PEM 或 OpenSSH 格式的 RSA、ECDSA 或 Ed25519 私钥',
  },
  must_be_a_branch: { en: 'must be the name of a branch', zh: '必须是分支名称' },
  must_be_an_address_for: {
    en: 'must be an address for {type} without a user or password',
    zh: '必须是不含用户名和密码的 {type} 地址',
  },
  is_for_git_only: { en: 'is for GIT only', zh: '仅适用于 GIT' },
  is_for_ftp_only: { en: 'is for FTP only', zh: '仅适用于 FTP' },
  gbk_is_for_ftp: {
    en: 'gbk is for addresses with ftp:// and ftps:// only',
    zh: 'gbk 仅适用于 ftp:// 和 ftps:// 地址',
  },
  is_needed_or_null: { en: 'is needed; null: anonymous', zh: '必填; null 表示匿名' },
  is_needed_with_another_type: { en: 'is needed with another type', zh: '更改类型时必填' },
  is_needed_for_another_address: { en: 'is needed again for another address', zh: '更换地址时需要重新提供' },
  is_needed_none_stored: { en: 'is needed: none is stored for this address', zh: '必填: 该地址没有已保存的凭证' },
  does_not_fit_address: { en: '{type} does not fit this address', zh: '{type} 不适用于该地址' },
  not_a_template: { en: 'not a template: {mistake}', zh: '不是有效的模板: {mistake}' },
  at_line: { en: 'line {line}: {mistake}', zh: '第 {line} 行: {mistake}' },
  in_script: { en: 'script "{name}": {mistake}', zh: '脚本 "{name}": {mistake}' },
  in_script_at_line: { en: 'script "{name}", line {line}: {mistake}', zh: '脚本 "{name}" 第 {line} 行: {mistake}' },
  unknown_name: { en: 'unknown name "{name}"', zh: '未知名称 "{name}"' },
  plan_too_large_script: {
    en: 'the plan is too large: script "{name}" renders to more than {n} KiB over all instances, and a plan has at most {limit} MiB; text that instances share counts once',
    zh: '计划过大: 脚本 "{name}" 在所有实例上渲染后超过 {n} KiB, 计划最多 {limit} MiB; 多个实例相同的文本只计一次',
  },
  plan_too_large_part: {
    en: 'the plan is too large: its part {part} has {n} KiB, and a plan has at most {limit} MiB',
    zh: '计划过大: 其中 {part} 部分为 {n} KiB, 计划最多 {limit} MiB',
  },
  free_text_unquoted: {
    en: '{name} is free text and may stand in a script only quoted: write {instead}',
    zh: '{name} 是自由文本, 在脚本中只能经过引用后出现: 请写 {instead}',
  },
  interpreter_of_another_language: {
    en: 'the first line names {name}, which does not run {language} scripts: change the line or the language',
    zh: '首行指定的 {name} 不能运行 {language} 脚本: 请修改首行或脚本语言',
  },
  no_interpreter: { en: 'the first line names no interpreter', zh: '首行未指定解释器' },
  interpreter_quoted: { en: 'the first line has quotes or escapes: {word}', zh: '首行包含引号或转义: {word}' },
  env_option_unknown: {
    en: 'the first line has an unknown option of env: {option}',
    zh: '首行包含未知的 env 选项: {option}',
  },
  syntax_error: { en: 'syntax error: {reason}', zh: '语法错误: {reason}' },
  filter_unknown: { en: 'the filter {name} is not known', zh: '未知过滤器 {name}' },
  test_unknown: { en: 'the test {name} is not known', zh: '未知测试 {name}' },
  method_unknown: { en: 'the method {name} is not known', zh: '未知方法 {name}' },
  function_unknown: { en: 'the function {name} is not known', zh: '未知函数 {name}' },
  template_too_many_steps: { en: 'the template takes too many steps', zh: '模板执行步骤过多' },
  template_too_deep: { en: 'the template nests or recurses too deeply', zh: '模板嵌套或递归过深' },
  template_text_too_long: { en: 'a text becomes too long', zh: '文本过长' },
  must_stand_unquoted: {
    en: 'must hold only letters, digits and . _ + : / @ , = % ~ -',
    zh: '只能包含字母、数字和 . _ + : / @ , = % ~ -',
  },
  template_too_much_memory: {
    en: 'the template needs too much memory or nests too deeply',
    zh: '模板占用内存过多或嵌套过深',
  },
  template_result_too_long: { en: 'the result is longer than {n} bytes', zh: '结果超过 {n} 字节' },
} as const;
