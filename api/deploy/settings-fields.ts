import { z } from 'zod';

/** Seconds that a sub-task may take. */
export const timeout = z.int().min(1).max(86_400);
/** Previous releases kept per instance. */
export const keepBackups = z.int().min(0).max(100);
/** Seconds that a start may take to show its process, within the timeout of its task. */
export const startSeconds = z.int().min(1).max(86_400);
/** Seconds that a stop may take to end it, within the timeout of its task. */
export const stopSeconds = z.int().min(1).max(86_400);
