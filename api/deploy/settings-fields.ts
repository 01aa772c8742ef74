import { z } from 'zod';

/** Seconds that a sub-task may take. */
export const timeout = z.int().min(1).max(86_400);
/** Previous releases kept per instance. */
export const keepBackups = z.int().min(0).max(100);
