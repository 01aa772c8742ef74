/** The phase of a warning about a maintenance period; each is given once. */
type MaintenancePhase = 'begin' | 'extend';

/** Maintenance of a task's hosts. Errors of monitoring do not throw: they become lines of the task's output. */
export interface MaintenanceActivities {
  /** Begins or extends a limited maintenance of a task's hosts. */
  holdMaintenance(input: { taskId: number; phase: MaintenancePhase }): Promise<void>;
  /** Ends it. */
  releaseMaintenance(input: { taskId: number }): Promise<void>;
}
