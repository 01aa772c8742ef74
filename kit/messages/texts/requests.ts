// What is wrong with the fields of a resource request.

export const requestsTexts = {
  is_not_found: { en: 'is not found', zh: '不存在' },
  must_be_days: { en: 'must be a number of days', zh: '必须是天数' },
  must_be_at_most: { en: 'must be at most {n}', zh: '最多为 {n}' },
  needs_two_labels: { en: 'must have at least two labels', zh: '至少需要两级域名' },
  names_a_host_twice: { en: 'names a host twice', zh: '主机名重复' },
  is_needed_with_finite: { en: 'is needed with FINITE', zh: '指定 FINITE 时必填' },
  contradicts_expiration: {
    en: 'contradicts expiration_type and expiration_days',
    zh: '与 expiration_type 和 expiration_days 矛盾',
  },
  wildcard_needs_wizard: {
    en: 'a wildcard needs certificate_type wizard',
    zh: '泛域名需要 certificate_type 为 wizard',
  },
  too_long_for_wildcard: { en: 'must be at most 251 characters for a wildcard', zh: '泛域名最多 251 个字符' },
  is_needed_with_type: { en: 'is needed with certificate_type', zh: '指定 certificate_type 时必填' },
  cname_stands_alone: { en: 'a CNAME stands alone at its name', zh: 'CNAME 不能与同名的其他记录并存' },
} as const;
