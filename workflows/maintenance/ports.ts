/** When a warning about a maintenance period was due; each is given once. */
export type MaintenancePhase = 'begin' | 'extend';

/** Maintenance of the hosts of a task. Neither throws for what monitoring answers: that is a line of the task's output. */
export interface MaintenanceActivities {
  /** Puts the hosts of a task in maintenance for a while from now on; again extends it. */
  holdMaintenance(input: { taskId: number; phase: MaintenancePhase }): Promise<void>;
  /** Ends it. */
  releaseMaintenance(input: { taskId: number }): Promise<void>;
}
