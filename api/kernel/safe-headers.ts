/** What every answer carries: nothing in it is run, framed, or taken for another type than it has. */
export const safeHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;
