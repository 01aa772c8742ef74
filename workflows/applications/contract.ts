export const instanceStatuses = ['stopped', 'running', 'restarting', 'updating', 'reverting'] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];
