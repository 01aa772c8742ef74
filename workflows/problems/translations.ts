// Every sentence that a caller may read besides the messages of problems, in both languages. They are written in English
// where they arise, which is what crosses the engine's wire, and put into Chinese where an answer is made. The type
// `Text` (problem.ts) lets through only what is listed, so that nothing can be said that has no Chinese.

/** English sentences, `{name}` standing for what is filled in, with their Chinese. */
export const texts = {
  'unknown field': '未知字段',
  'is missing': '缺失',
  'is needed': '必填',
  'is there twice': '重复',
  'is given twice': '重复给出',
  'is given as {name} too': '与 {name} 重复给出',
  'is not valid JSON': '不是有效的 JSON',
  'is not UTF-8': '不是 UTF-8 编码',
  'is nested too deeply': '嵌套过深',
  'has too many fields': '字段过多',
  'holds a NUL character': '包含 NUL 字符',
  'holds text that cannot be stored': '包含无法存储的文本',
  'at least one field is needed': '至少需要一个字段',
  'must be empty': '必须为空',
  'must be an id': '必须是 id',
  'must be ids separated by commas': '必须是以逗号分隔的 id',
  'must be in the future': '必须晚于当前时间',
  'must not be after {time}': '不能晚于 {time}',
  'must be at most 366 days ahead': '最多提前 366 天',
  'must be ISO 8601 with an offset, or Unix seconds': '必须是带时区的 ISO 8601 时间或 Unix 秒',
  'must be later than from': '必须晚于 from',
  'must be at most 366 days after from': '最多为 from 之后 366 天',
  'must be 1-255 visible characters': '必须是 1-255 个可见字符',
  'must be a whole number': '必须是整数',
  'must be a whole number from {least} to {most}': '必须是 {least} 到 {most} 之间的整数',
  'must not be given with {other}': '不能与 {other} 同时给出',
  'must be bytes or lines': '必须是 bytes 或 lines',
  'must not be blank': '不能为空白',
  'must be one line': '必须为单行',
  'must not contain ..': '不能包含 ..',
  'must not contain NUL': '不能包含 NUL',
  'must not hold control characters': '不能包含控制字符',
  'must hold neither .. nor control characters': '不能包含 .. 或控制字符',
  'must not be empty, nor begin or end with a blank': '不能为空, 首尾不能是空白',
  'must be an absolute path': '必须是绝对路径',
  'must not be the root folder': '不能是根目录',
  'must lie below one of {roots}': '必须位于以下目录之一的下级: {roots}',
  'is not a user that commands may run as: {user}': '不允许以该用户运行命令: {user}',
  'must have at most {n} bytes': '最多 {n} 字节',
  'must have at most {n} KiB': '最多 {n} KiB',
  'no such {thing}: {id}': '{thing} 不存在: {id}',
  'no such user': '用户不存在',
  // requests
  'is not found': '不存在',
  'must be a number of days': '必须是天数',
  'must be at most {n}': '最多为 {n}',
  'must be at most {n} characters': '最多 {n} 个字符',
  'must have at least two labels': '至少需要两级域名',
  'names a host twice': '主机名重复',
  'is needed with {other}': '与 {other} 同时给出时必填',
  'contradicts expiration_type and expiration_days': '与 expiration_type 和 expiration_days 矛盾',
  'a wildcard needs certificate_type wizard': '泛域名需要 certificate_type 为 wizard',
  'a CNAME stands alone at its name': 'CNAME 记录不能与同名的其他记录并存',
  'the plan differs: {difference}': '计划有变化: {difference}',
  'it is being fulfilled': '正在交付',
  'it stands still: {why}; holders of {permission} can retry or close it':
    '已停滞: {why}; {permission} 权限持有者可重试或关闭',
  'not allowed: {permission}': '没有权限: {permission}',
  // access
  'is not the present code; check that the clock of the device is right': '不是当前的验证码; 请检查设备时钟是否准确',
  'is needed for a new email': '修改邮箱需要密码',
  'is needed, or a code of the second factor': '必填, 或提供双因素验证码',
  'is needed to update': '更新时必填',
  'is the present password': '与当前密码相同',
  'is not the name of this {thing}': '与该{thing}的名称不符',
  'must have 10-128 characters and at most 512 bytes': '必须为 10-128 个字符, 最多 512 字节',
  'is one that is tried first; take several words that do not belong together, or have one generated':
    '是最先被猜测的常用密码; 请使用几个互不相关的词, 或由密码管理器生成',
  'is little more than your name, your address or a word of the company; add words that have nothing to do with them':
    '几乎只由您的用户名、邮箱或公司相关的词组成; 请加入与之无关的词',
  'repeats a few characters; take more different ones': '仅重复少数几个字符; 请使用更多不同的字符',
  'must be 5-20 digits, with or without +': '必须是 5-20 位数字, 可带 +',
  'must be 2-64 letters, digits, dots, dashes, underscores, a letter first':
    '必须是 2-64 个字母、数字、点、短横线或下划线, 以字母开头',
  'this user is disabled': '该用户已停用',
  'at least one is needed': '至少需要一个',
  'must be letters, digits, . _ + and -, the first a letter or digit': '必须是字母、数字、. _ + 或 -, 以字母或数字开头',
  'must be salt://, https://, http:// or an absolute path, without user and password':
    '必须是 salt://、https://、http:// 地址或绝对路径, 且不含用户名和密码',
  'must be 64 hex digits': '必须是 64 位十六进制数字',
  'is needed for a source with http://': '使用 http:// 来源时必填',
  'either findings or all is needed': 'findings 与 all 必须给出一个',
  // approval policies
  'must have role or users, not both': 'role 与 users 只能二选一',
  'cannot be given with application': '不能与 application 同时指定',
  'are for kind deploy_task only': '仅适用于 deploy_task',
  'is for kind deploy_task only': '仅适用于 deploy_task',
  'is needed with escalate_after_hours': '指定 escalate_after_hours 时必填',
  'is needed with escalate_to': '指定 escalate_to 时必填',
  'must be {level} or above, as the approval policy {policy} demands': '审批策略 {policy} 要求级别不低于 {level}',
  'is needed to break glass': '紧急开始时必填',
  'nobody of role {role} holds {permission}': '角色 {role} 中无人拥有 {permission}',
  'nobody can satisfy it today: of {whom}, {has} of {count} hold {permission} and are free for it besides the other groups':
    '目前无人能满足: {whom} 中, 需要 {count} 人, 仅 {has} 人拥有 {permission} 且未被其他组占用',
  // tools
  'only http and https': '仅支持http和https',
  'must be a path from the root, or http and https': '必须是以 / 开头的路径, 或 http、https 地址',
  'must not be less than from_id': '不能小于 from_id',
  // applications, hosts
  'must be letters, digits, _ or -, and begin with a letter or digit': '必须是字母、数字、_ 或 -, 以字母或数字开头',
  'the full name would be longer than {n} characters': '全名将超过 {n} 个字符',
  'an application has at most {n} response persons': '每个应用最多 {n} 个负责人',
  'an application has at most {n} instances': '每个应用最多 {n} 个实例',
  "is not the host's name": '与主机名不符',
  'must be a system user': '必须是系统用户',
  'must be letters, digits, - and ., with a letter or digit at both ends': '必须是字母、数字、- 或 ., 首尾为字母或数字',
  'must be an address or a host name': '必须是地址或主机名',
  'must be the name of a minion': '必须是 minion 名称',
  'must be a netmask or a prefix length': '必须是子网掩码或前缀长度',
  'must be an IPv4 or IPv6 address in canonical form': '必须是规范格式的 IPv4 或 IPv6 地址',
  'a PHY_HOST has none': 'PHY_HOST 没有此项',
  'is for a PHY_HOST only': '仅适用于 PHY_HOST',
  'is needed: there is none stored for this address': '必填: 该地址没有已保存的密码',
  'the local runner is off here; SLIPWAY_LOCAL_RUNNER turns it on':
    '此处未启用 local runner; 可用 SLIPWAY_LOCAL_RUNNER 启用',
  'the runner "{name}" is not configured: {mistake}': '未配置 runner "{name}": {mistake}',
  '{variable} is not set': '未设置 {variable}',
  // deploys
  'must be 1-128 letters, digits, . _ - + :, beginning with a letter or digit':
    '必须是 1-128 个字母、数字或 . _ - + :, 以字母或数字开头',
  'is needed to override a freeze': '越过冻结期时必填',
  'needs SLIPWAY_ZABBIX_URL to be set': '需要设置 SLIPWAY_ZABBIX_URL',
  'must be http or https without a password; {{ip}} and {{hostname}} are filled in':
    '必须是不含密码的 http 或 https 地址; {{ip}} 和 {{hostname}} 会被替换',
  'names an instance twice': '实例重复',
  'must be an enabled user': '必须是已启用的用户',
  'must be an enabled user who may view the application': '必须是已启用且能查看该应用的用户',
  'must be somebody other than you or the creator': '不能是您本人或创建人',
  'must be this application alone': '只能是该应用',
  'must be the secret itself': '必须是密钥或密码本身',
  'must have no passphrase': '不能有密码短语',
  'must be an RSA, ECDSA or Ed25519 private key in PEM or OpenSSH form':
    '必须是 PEM 或 OpenSSH 格式的 RSA、ECDSA 或 Ed25519 私钥',
  'must be the name of a branch': '必须是分支名称',
  'must be an address for {type} without user and password': '必须是不含用户名和密码的 {type} 地址',
  'is for GIT only': '仅适用于 GIT',
  'is for FTP only': '仅适用于 FTP',
  'gbk is for addresses with ftp:// and ftps:// only': 'gbk 仅适用于 ftp:// 和 ftps:// 地址',
  'is needed; null: anonymous': '必填; null 表示匿名',
  'is needed with another type': '更改类型时必填',
  'is needed again for another address': '更换地址时需要重新提供',
  'is needed: none is stored for this address': '必填: 该地址没有已保存的凭证',
  '{type} does not fit this address': '{type} 不适用于该地址',
  'not a template: {mistake}': '不是有效的模板: {mistake}',
  'line {line}: {mistake}': '第 {line} 行: {mistake}',
  'script "{name}": {mistake}': '脚本 "{name}": {mistake}',
  'script "{name}", line {line}: {mistake}': '脚本 "{name}" 第 {line} 行: {mistake}',
  'unknown name "{name}"': '未知名称 "{name}"',
  'the plan is too large: script "{name}" renders to more than {n} KiB over all instances, and a plan has at most {limit} MiB; a text that instances share counts once':
    '计划过大: 脚本 "{name}" 在所有实例上渲染后超过 {n} KiB, 计划最多 {limit} MiB; 多个实例相同的文本只计一次',
  'the plan is too large: its part {part} has {n} KiB, and a plan has at most {limit} MiB':
    '计划过大: 其中 {part} 部分为 {n} KiB, 计划最多 {limit} MiB',
  '{name} is free text and may stand in a script only quoted: write {instead}':
    '{name} 是自由文本, 在脚本中只能经过引用后出现: 请写 {instead}',
  'the first line names {name}, which does not run {language} scripts: change the line or the language':
    '首行指定的 {name} 不能运行 {language} 脚本: 请修改首行或脚本语言',
  'the first line names no interpreter': '首行未指定解释器',
  'the first line has quotes or escapes: {word}': '首行包含引号或转义: {word}',
  'the first line has an option of env that is not known: {option}': '首行包含未知的 env 选项: {option}',
  'syntax error: {reason}': '语法错误: {reason}',
  'the filter {name} is not known': '未知过滤器 {name}',
  'the test {name} is not known': '未知测试 {name}',
  'the method {name} is not known': '未知方法 {name}',
  'the function {name} is not known': '未知函数 {name}',
  'the template takes too many steps': '模板执行步骤过多',
  'the template nests or recurses too deeply': '模板嵌套或递归过深',
  'a text becomes too long': '文本过长',
  'must hold only letters, digits and . _ + : / @ , = % ~ -': '只能包含字母、数字和 . _ + : / @ , = % ~ -',
  'the template needs too much memory or nests too deeply': '模板占用内存过多或嵌套过深',
  'the result is longer than {n} bytes': '结果超过 {n} 字节',
  // what is waited for
  'its plan is being made': '正在生成计划',
  'its package cannot be read: {reason}; {creator} can put it there, or change the task':
    '无法读取安装包: {reason}; {creator} 可以放置安装包或修改任务',
  '{mistake}, back in review: {reason}': '{mistake}, 已退回审批: {reason}',
  'the approval policy {policy} applies now; missing: {reason}': '现适用审批策略 {policy}; 缺少: {reason}',
  'the approval policy {policy} demands level {level} or above': '审批策略 {policy} 要求级别不低于 {level}',
  'the approval policy {policy} applies now, and lets {whom} break glass':
    '现适用审批策略 {policy}, 允许紧急开始的是 {whom}',
  'votes of {users} no longer count; missing: {reason}': '{users} 的投票不再有效; 缺少: {reason}',
  'votes as they are now no longer count; missing: {reason}': '现有投票不再足够; 缺少: {reason}',
  '{reason}; the plan differs too: {difference}': '{reason}; 计划也有变更: {difference}',
  '{mistake}, not by {creator}': '{mistake}, 创建人 {creator} 除外',
  '{mistake} (step {n} of {m})': '{mistake} (第 {n} 步, 共 {m} 步)',
  '{n} more of role {role}': '还需角色 {role} 的 {n} 个批准',
  '{n} more of {users}': '还需 {users} 中 {n} 人的批准',
  'or of role {role}': '或角色 {role} 的成员',
  '{n} more to look at it afterwards, by holders of {permission}':
    '还需 {n} 人事后查看, 由拥有 {permission} 权限的用户进行',
  '{n} more by holders of {permission}': '还需 {n} 个批准, 由拥有 {permission} 权限的用户给出',
  'not recorded as running: its host is asked, and it is stopped only if it runs':
    '未记录为运行中: 将询问主机, 仅在运行时停止',
  'not recorded as running, and no pid_path tells: the command is run to be sure if there is a release, and may fail':
    '未记录为运行中, 且无 pid_path 可供判断: 若有发布版本则执行停止命令以确保停止, 允许失败',
  'planned for {time}; {owner} may start it earlier with force': '计划时间 {time}; {owner} 可用 force 提前开始',
  'planned for {time}, when it starts by itself; {owner} may start it earlier with force':
    '计划时间 {time}, 届时自动开始; {owner} 可用 force 提前开始',
  'held by freeze {id}, then it starts by itself; {owner} may start it before with override and a reason, holding override_freeze':
    '被冻结期 {id} 阻止, 结束后自动开始; {owner} 拥有 override_freeze 权限时可用 override 和理由提前开始',
  'held by freeze {id} until {time}, then it starts by itself; {owner} may start it before with override and a reason, holding override_freeze':
    '被冻结期 {id} 阻止至 {time}, 之后自动开始; {owner} 拥有 override_freeze 权限时可用 override 和理由提前开始',
  'held by freeze {id}, then its next batch begins; {owner} can close it':
    '被冻结期 {id} 阻止, 结束后开始下一批; {owner} 可以关闭任务',
  'held by freeze {id} until {time}, then its next batch begins; {owner} can close it':
    '被冻结期 {id} 阻止至 {time}, 之后开始下一批; {owner} 可以关闭任务',
  'it starts by itself': '即将自动开始',
  'it starts by itself after task {id}': '任务 {id} 结束后自动开始',
  'its next batch begins by itself; {owner} can pause or close it': '下一批将自动开始; {owner} 可以暂停或关闭任务',
  'paused; {owner} can resume it, upgrade or revert instances, or close it':
    '已暂停; {owner} 可以继续、升级、回滚实例或关闭任务',
  'paused ({reason}); {owner} can resume it, upgrade or revert instances, or close it':
    '已暂停 ({reason}); {owner} 可以继续、升级、回滚实例或关闭任务',
  'host {name} has to be admitted by somebody who holds manage_host': '主机 {name} 需由具有 manage_host 权限的人员准入',
  '{owner} can start it': '{owner} 可以开始',
  'sub-task {ids} is running': '子任务 {ids} 正在运行',
  '{owner} can upgrade or revert instances, or close it': '{owner} 可以升级、回滚实例或关闭任务',
  'its first step is about to begin': '第一步即将开始',
  'and {n} more': '以及另外 {n} 个',
  'names were not UTF-8 and were read as GBK: {n}, such as "{name}"':
    '有 {n} 个文件名不是 UTF-8, 已按 GBK 读取, 例如 "{name}"',
  'names may be UTF-8 or GBK and were read as UTF-8: {n}, such as "{name}"':
    '有 {n} 个文件名既可能是 UTF-8 也可能是 GBK, 已按 UTF-8 读取, 例如 "{name}"',
  'entries come more than once, and the last counts: {n}, such as "{name}"':
    '有 {n} 个条目重复, 以最后一个为准, 例如 "{name}"',
  // what differs between two plans
  'the package': '安装包',
  'hook {name}': '钩子 {name}',
  'the instances or their versions': '实例或其版本',
  'the machines of {names}': '以下实例的机器: {names}',
  'the addresses of the health check': '健康检查的地址',
  'the plan': '计划',
} as const;

/** Words that stand in sentences and problems. */
const words: Readonly<Record<string, string>> = {
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

/** A sentence with its places filled in. */
export type Filled<T extends string> = T extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${Filled<After>}`
  : T;

const saidPlaces = new Set(['thing', 'mistake', 'reason', 'difference', 'dependency']);
/** Whether a place is filled with words of ours; what people call their things is never translated. */
export const isSaid = (name: string): boolean => saidPlaces.has(name);

const place = /\{(\w+)\}/g;
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

interface Pattern {
  match: RegExp;
  names: string[];
  zh: string;
}

function patternOf([en, zh]: [string, string]): Pattern {
  const parts = en.split(place).filter((_, index) => index % 2 === 0);
  const names = [...en.matchAll(place)].map(([, name = '']) => name);
  return { match: new RegExp(`^${parts.map(literal).join('(.*?)')}$`, 's'), names, zh };
}

/** What goes around another sentence comes before all that it may go around. */
const specificity = (en: string): number => (en.startsWith('{mistake}') ? 1_000 : 0) + en.replace(place, '').length;

/** Patterns, those that say more first: `script "x", line 3: …` begins like `script "x": …`. */
const patternsOf = (sentences: Readonly<Record<string, string>>): Pattern[] =>
  Object.entries(sentences)
    .filter(([en]) => en.includes('{'))
    .sort(([one], [other]) => specificity(other) - specificity(one))
    .map(patternOf);

/**
 * Finds the Chinese of sentences and words, and of lists of them with commas; what is not known stays as it is.
 * `sentences` are English with their Chinese. The work begins with the first call: workflows load this and never ask.
 */
export function translator(sentences: Readonly<Record<string, string>>): (text: string) => string {
  const fixed = new Map<string, string>();
  let patterns: Pattern[] | undefined;
  const translate = (text: string): string => {
    if (!patterns) {
      for (const [en, zh] of Object.entries({ ...words, ...sentences })) fixed.set(en, zh);
      patterns = patternsOf(sentences);
    }
    const known = fixed.get(text);
    if (known !== undefined) return known;
    for (const { match, names, zh } of patterns) {
      const found = match.exec(text);
      if (!found) continue;
      const said = (name: string, value = ''): string => (isSaid(name) ? translate(value) : value);
      const values = new Map(names.map((name, index) => [name, said(name, found[index + 1])]));
      return zh.replace(place, (whole, name: string) => values.get(name) ?? whole);
    }
    return text.includes(', ') ? text.split(', ').map(translate).join(', ') : text;
  };
  return translate;
}
