/** What stands for a secret in answers; sent back it keeps the stored one. */
export const masked = '******' as const;
