import { z } from 'zod';

/** Time limit of a sub-task, in seconds. */
export const timeout = z.int().min(1).max(86_400);
/** Previous releases kept per instance. */
export const keepBackups = z.int().min(0).max(100);
/** Seconds for a start to show its process, within the timeout of its task. */
export const startSeconds = z.int().min(1).max(86_400);
/** Seconds for a stop to end its process, within the timeout of its task. */
export const stopSeconds = z.int().min(1).max(86_400);
