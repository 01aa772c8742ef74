/** Replaces a secret in responses; sent back, it keeps the stored one. */
export const masked = '******' as const;
