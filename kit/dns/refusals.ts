// What DNS refuses, as data: a stable key with what fills its sentence in. The sentences stand here and nowhere else, so
// that whoever translates them finds them together.

/** English and Chinese; `{name}` is filled in. */
export const refusalTexts = {
  escape_unfinished: ['a backslash at the end escapes nothing', '末尾的反斜杠没有转义任何字符'],
  escape_number: ['\\ before a digit needs three digits, at most 255', '\\ 后的数字必须是三位且不大于 255'],
  hex_invalid: ['is not an even number of hex digits', '不是偶数个十六进制数字'],
  quote_open: ['a quoted string has no end', '引号未闭合'],
  value_short: ['something is missing at the end', '末尾缺少内容'],
  value_long: ['there is more than the type takes', '内容超出该类型的范围'],
  label_length: ['the label "{label}" has not 1-63 characters', '标签 "{label}" 必须为 1-63 个字符'],
  name_length: ['has more than 253 characters', '超过 253 个字符'],
  number: ['"{word}" is not a whole number from {least} to {most}', '"{word}" 不是 {least} 到 {most} 之间的整数'],
  string_length: ['a string has more than 255 bytes', '字符串超过 255 字节'],
  caa_tag: ['the tag must be 1-15 lower-case letters or digits', '标签必须为 1-15 个小写字母或数字'],
  ipv4_invalid: ['must be an IPv4 address: four numbers without leading zeros', '必须是 IPv4 地址: 四个无前导零的数字'],
  ipv6_invalid: ['must be an IPv6 address without zone', '必须是不带区域的 IPv6 地址'],
  svcb_key: ['"{key}" is not a parameter: use a name or key0-key65534', '"{key}" 不是参数: 请使用名称或 key0-key65534'],
  svcb_key_twice: ['the parameter {key} is there twice', '参数 {key} 重复'],
  svcb_no_value: ['this parameter takes no value', '该参数不接受值'],
  svcb_value_length: ['a parameter has a value of the wrong length', '参数值长度错误'],
  svcb_mandatory: ['mandatory must name other parameters, each once', 'mandatory 必须列出其他参数, 每个一次'],
  svcb_alpn: ['alpn must name protocols of 1-255 bytes', 'alpn 必须列出 1-255 字节的协议'],
  svcb_port: ['port must be a number from 0 to 65535', 'port 必须是 0 到 65535 之间的数字'],
  generic_length: ['the length after \# is not that of the hex digits', '\# 后的长度与十六进制数字不符'],
  type_unwritable: [
    'values of {type} can be sent in the form \\# of RFC 3597 only',
    '{type} 的值只能以 RFC 3597 的 \\# 形式发送',
  ],
  base64_invalid: ['is not base64', '不是 base64'],
} as const satisfies Record<string, readonly [string, string]>;

export type RefusalRule = keyof typeof refusalTexts;
export type RefusalParams = Readonly<Record<string, string | number>>;

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
export const refusalText = ({ rule, params }: Omit<Refusal, 'field'>): string => filled(refusalTexts[rule][0], params);

export type Checked<T> = { readonly value: T; readonly refusal?: undefined } | { readonly refusal: Refusal };

/** Runs a parser; what it refuses is about `field` unless it names another. */
export function checked<T>(field: string, parse: () => T): Checked<T> {
  try {
    return { value: parse() };
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    return { refusal: { field: error.field ?? field, rule: error.rule, params: error.params } };
  }
}
