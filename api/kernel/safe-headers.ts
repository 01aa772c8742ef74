/** Sent with every response: content is neither executed, nor framed, nor sniffed as another type. */
export const safeHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;
