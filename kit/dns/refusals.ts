// What DNS refuses, as data: a stable key with what fills its sentence in. The sentences stand here and nowhere else, so
// that whoever translates them finds them together.

/** English and Chinese; `{name}` is filled in. */
type Text = readonly [string, string];

/** What is wrong with an input as it is (10001). */
const invalidTexts = {
  name_empty: ['is empty', '不能为空'],
  name_length: ['has more than 253 characters', '超过 253 个字符'],
  name_address: ['is an address; a domain name is needed', '是地址; 需要域名'],
  name_blank: ['has a blank in it', '包含空白字符'],
  name_character: ['the character {character} is not allowed in a name', '包含名称不允许的字符 {character}'],
  name_outside: ['{name} is not inside the domain {domain}', '{name} 不属于域名 {domain}'],
  name_relative: [
    '{name} is relative: write the whole name, such as {name}.{domain}, or @ for the domain itself',
    '{name} 是相对名称: 请写完整名称, 如 {name}.{domain}; 域名本身用 @',
  ],
  label_empty: ['has an empty label: dots stand between labels, one at a time', '包含空标签: 标签之间只能有一个点'],
  label_length: ['the label {label} must have 1-63 characters', '标签 {label} 必须为 1-63 个字符'],
  label_hyphen: ['the label {label} begins or ends with a hyphen', '标签 {label} 以连字符开头或结尾'],
  label_unmapped: ['the label {label} is not valid by IDNA', '标签 {label} 不符合 IDNA'],
  wildcard_place: ['* must be the whole first label', '* 必须是完整的第一个标签'],
  wildcard_here: ['* stands in owner names of records only', '* 只能用于记录名'],
  underscore_here: ['_ is not allowed in a name of this type', '该类型的名称不允许使用 _'],
  slash_here: [
    '/ is allowed below in-addr.arpa only, in domains, in owners of NS, CNAME and PTR and in targets of CNAME',
    '/ 仅允许用于 in-addr.arpa 下的域名, NS、CNAME、PTR 记录名和 CNAME 目标',
  ],
  srv_owner: [
    'a SRV record is at _service._protocol and a name, such as _sip._tcp.example.com',
    'SRV 记录名的形式为 _服务._协议.名称, 如 _sip._tcp.example.com',
  ],
  tlsa_owner: [
    'a TLSA record is at _port._protocol and a name, such as _443._tcp.example.com',
    'TLSA 记录名的形式为 _端口._协议.名称, 如 _443._tcp.example.com',
  ],
  target_address: ['the target is an address; a host name is needed', '目标是地址; 需要主机名'],
  target_relative: [
    'the target {name} has one label only: write the whole name',
    '目标 {name} 只有一个标签: 请写完整名称',
  ],
  target_alias: [
    'the target {target} is a CNAME, which MX and NS may not point to',
    '目标 {target} 是 CNAME, MX 和 NS 不能指向它',
  ],
  target_unresolved: [
    'the target {target} is inside the zone and has no address',
    '目标 {target} 在该区域内但没有地址',
  ],
  alias_of_target: [
    '{name} is the target of the {other} record of {owner}, so it cannot be a CNAME',
    '{name} 是 {owner} 的 {other} 记录的目标, 不能是 CNAME',
  ],
  type_unsupported: ['must be one of {types}', '必须是以下之一: {types}'],
  cname_apex: ["a CNAME cannot be at the domain's own name", 'CNAME 不能位于域名本身'],
  cname_itself: ['a CNAME cannot point to itself', 'CNAME 不能指向自身'],
  ds_apex: ['a DS record is at a delegation, in the domain above', 'DS 记录位于上级域名的授权处'],
  ds_delegation: ['a DS record needs NS records of the same name', 'DS 记录需要同名的 NS 记录'],
  ptr_domain: [
    'PTR records are in domains of in-addr.arpa or ip6.arpa only',
    'PTR 记录只能位于 in-addr.arpa 或 ip6.arpa 的域名',
  ],
  below_delegation: [
    '{delegation} is delegated: names below it have A and AAAA only',
    '{delegation} 已授权: 其下的名称只能有 A 和 AAAA',
  ],
  at_delegation: ['a delegated name has NS, DS, A and AAAA only', '已授权的名称只能有 NS、DS、A 和 AAAA'],
  null_target_alone: [
    'the target . means that there is none, so it must be the only record',
    '目标 . 表示没有, 必须是唯一的记录',
  ],
  alias_addresses: ['ALIAS and {other} cannot be at the same name', 'ALIAS 与 {other} 不能同名'],
  set_ttl: ['the records of one name and type must have one ttl', '同名同类型的记录必须使用同一 ttl'],
  ttl_range: ['must be a whole number from 1 to 604800', '必须是 1 到 604800 之间的整数'],
  value_form: ['must be written as {form}', '必须写作 {form}'],
  value_short: ['something is missing at the end', '末尾缺少内容'],
  value_long: ['there is more than the type takes', '内容超出该类型的范围'],
  value_length: ['has more than {most} bytes', '超过 {most} 字节'],
  value_unicode: ['holds text that is not valid Unicode', '包含无效的 Unicode 文本'],
  value_ascii: ['must be visible ASCII characters and blanks', '必须是可见的 ASCII 字符和空格'],
  number: [
    '"{word}" is not a whole number from {least} to {most} without leading zeros',
    '"{word}" 不是 {least} 到 {most} 之间的整数 (无前导零)',
  ],
  ipv4_invalid: ['must be an IPv4 address: four numbers without leading zeros', '必须是 IPv4 地址: 四个无前导零的数字'],
  ipv6_invalid: ['must be an IPv6 address without zone', '必须是不带区域的 IPv6 地址'],
  ipv6_mapped: ['is an IPv4 address inside IPv6: use an A record', '是 IPv6 中的 IPv4 地址: 请使用 A 记录'],
  network_invalid: ['must be an IP address or a network such as 192.0.2.0/24', '必须是 IP 地址或网段, 如 192.0.2.0/24'],
  null_mx_preference: ['the MX without a host is written as 0 .', '没有主机的 MX 写作 0 .'],
  txt_control: ['control characters are written as \\DDD inside quotes', '控制字符必须在引号内写作 \\DDD'],
  quote_open: ['a quoted string has no end', '引号未闭合'],
  string_length: ['a string has more than 255 bytes', '字符串超过 255 字节'],
  escape_unfinished: ['a backslash at the end escapes nothing', '末尾的反斜杠没有转义任何字符'],
  escape_number: ['\\ before a digit needs three digits, at most 255', '\\ 后的数字必须是三位且不大于 255'],
  hex_invalid: ['is not an even number of hex digits', '不是偶数个十六进制数字'],
  hex_length: ['must have {length} hex digits', '必须有 {length} 位十六进制数字'],
  base64_invalid: ['is not base64', '不是 base64'],
  caa_flags: ['the flags must be 0 or 128', '标志必须是 0 或 128'],
  caa_tag: ['the tag must be 1-15 letters or digits', '标签必须为 1-15 个字母或数字'],
  caa_tag_unknown: ['the tag {tag} is unknown: use one of {tags}', '标签 {tag} 不是以下之一: {tags}'],
  ds_digest: ['the digest type must be 2 or 4', '摘要类型必须是 2 或 4'],
  sshfp_algorithm: ['the algorithm must be 1-4 or 6', '算法必须是 1-4 或 6'],
  naptr_flags: ['the flags must be letters and digits', '标志必须是字母和数字'],
  naptr_regexp: ['the regexp must be written as !pattern!replacement!', 'regexp 必须写作 !模式!替换!'],
  naptr_both: [
    'must have a regexp or a host, not both: the host is . beside a regexp',
    'regexp 与主机只能有一个: 有 regexp 时主机为 .',
  ],
  svcb_alias_params: ['priority 0 takes no parameters', '优先级 0 不能有参数'],
  svcb_key: ['"{key}" is not a parameter: use a name or key0-key65534', '"{key}" 不是参数: 请使用名称或 key0-key65534'],
  svcb_key_twice: ['the parameter {key} is there twice', '参数 {key} 重复'],
  svcb_no_value: ['this parameter takes no value', '该参数不接受值'],
  svcb_value_length: ['a parameter has a value of the wrong length', '参数值长度错误'],
  svcb_mandatory: ['mandatory must name other parameters, each once', 'mandatory 必须列出其他参数, 每个一次'],
  svcb_mandatory_absent: ['mandatory names {key}, which is not there', 'mandatory 列出的 {key} 不存在'],
  svcb_default_alpn: ['no-default-alpn needs alpn', 'no-default-alpn 需要 alpn'],
  svcb_alpn: ['alpn must name protocols of 1-255 bytes', 'alpn 必须列出 1-255 字节的协议'],
  svcb_port: ['port must be a number from 0 to 65535', 'port 必须是 0 到 65535 之间的数字'],
  generic_length: ['the length after \\# is not that of the hex digits', '\\# 后的长度与十六进制数字不符'],
  type_unwritable: [
    'values of {type} can be sent in the form \\# of RFC 3597 only',
    '{type} 的值只能以 RFC 3597 的 \\# 形式发送',
  ],
  mailbox_invalid: ['must be a mailbox or a domain name', '必须是邮箱或域名'],
  zone_entry: ['a record takes more than {most} characters', '一条记录超过 {most} 个字符'],
  zone_parentheses: ['parentheses do not match', '括号不匹配'],
  zone_directive: [
    '{directive} is not supported: only $ORIGIN and $TTL are',
    '不支持 {directive}: 仅支持 $ORIGIN 和 $TTL',
  ],
  zone_directive_argument: ['{directive} takes one word', '{directive} 需要一个参数'],
  zone_owner: ['there is no owner name before', '之前没有记录名'],
  zone_class: ['the class {class} is not supported: only IN is', '不支持类 {class}: 仅支持 IN'],
  zone_ttl: ['{word} is not a time to live', '{word} 不是有效的 TTL'],
  zone_type_missing: ['the type is missing', '缺少类型'],
  zone_type: ['{type} is not a record type', '{type} 不是记录类型'],
} as const satisfies Record<string, Text>;

/** What the present state of the zone refuses (10005). */
const conflictTexts = {
  record_exists: ['the record exists already, perhaps disabled', '记录已存在 (可能已停用)'],
  cname_others: [
    'a CNAME must be alone at its name, and there is a {other} record',
    'CNAME 必须独占其名称, 但已有 {other} 记录',
  ],
  cname_there: ['there is a CNAME at this name, which must be alone', '该名称已有 CNAME, 它必须独占名称'],
  one_value: ['a name can have one record of this type only', '一个名称只能有一条该类型的记录'],
  last_apex_ns: ['the last name server of the domain cannot go', '不能移除域名的最后一个名称服务器'],
  ns_hides: [
    'these name servers would hide the {other} record of {hidden}',
    '这些名称服务器会遮蔽 {hidden} 的 {other} 记录',
  ],
  longer_domain: ['the domain {domain} of the same server owns this name', '该名称属于同一服务器上的域名 {domain}'],
  domain_records: ['a domain has at most {most} records', '每个域名最多 {most} 条记录'],
  set_records: ['a name has at most {most} records of one type', '每个名称的同类型记录最多 {most} 条'],
  set_octets: ['the records of one name and type have at most {most} bytes', '同名同类型的记录最多 {most} 字节'],
} as const satisfies Record<string, Text>;

export const refusalTexts = { ...invalidTexts, ...conflictTexts } as const;

/** Whether a refusal is about the present state, and not about the input. */
export const isConflict = (rule: RefusalRule): boolean => Object.hasOwn(conflictTexts, rule);

export type RefusalRule = keyof typeof refusalTexts;
type RefusalParams = Readonly<Record<string, string | number>>;

/** Why something is refused: `field` is that of the API. */
export interface Refusal {
  readonly field: string;
  readonly rule: RefusalRule;
  readonly params: RefusalParams;
}

/** Thrown inside this room only; `checked` turns it into a Refusal. */
export class RefusalError extends Error {
  override readonly name = 'RefusalError';
  readonly rule: RefusalRule;
  readonly params: RefusalParams;
  readonly field: string | undefined;

  constructor(rule: RefusalRule, params: RefusalParams = {}, field?: string) {
    super(filled(refusalTexts[rule][0], params));
    this.rule = rule;
    this.params = params;
    this.field = field;
  }
}

export function refuse(rule: RefusalRule, params: RefusalParams = {}, field?: string): never {
  throw new RefusalError(rule, params, field);
}

const filled = (sentence: string, params: RefusalParams): string =>
  sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));

/** The English sentence of a refusal. */
export const refusalText = ({ rule, params }: Omit<Refusal, 'field'>, language: 'en' | 'zh' = 'en'): string =>
  filled(refusalTexts[rule][language === 'en' ? 0 : 1], params);

export type Checked<T> =
  { readonly value: T; readonly refusal?: undefined } | { readonly refusal: Refusal; readonly value?: undefined };

/** Runs a parser; what it refuses is about `field` unless it names another. */
export function checked<T>(field: string, parse: () => T): Checked<T> {
  try {
    return { value: parse() };
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    return { refusal: { field: error.field ?? field, rule: error.rule, params: error.params } };
  }
}
