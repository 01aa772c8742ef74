export const instanceStatuses = ['stopped', 'running', 'restarting', 'updating', 'reverting'] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

/** What a response person answers for. */
export const responseTypes = ['dev', 'ops', 'qa', 'pm'] as const;
export type ResponseType = (typeof responseTypes)[number];
