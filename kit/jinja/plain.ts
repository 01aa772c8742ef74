const plain = /^[\p{L}\p{M}\p{N}._+:/@,=%~-]*$/u;

/** Whether a value is made of what names, versions, paths and users are made of, and may stand in a script as it is. */
export const standsRaw = (value: string): boolean => plain.test(value);
