import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type { InstanceStatus } from '../../workflows/applications/contract.ts';
import type { ScriptLanguage } from '../../workflows/deploy/contract.ts';
import type { ProblemWire } from '../../workflows/problems/problem.ts';
import type { OutputStream, ResultStatus, TaskArea, TaskStatus } from '../../workflows/tasks/contract.ts';

interface TasksTable {
  id: Generated<number>;
  area: TaskArea;
  kind: string;
  deployTaskId: number | null;
  /** Counts the sub-tasks of a deploy task from 1. */
  number: number | null;
  applicationId: number | null;
  creator: string;
  status: Generated<TaskStatus>;
  version: string | null;
  updateSource: string | null;
  timeoutSeconds: number;
  opts: JSONColumnType<Record<string, unknown>, string | undefined>;
  error: string | null;
  createdTime: Generated<Date>;
  finishedTime: Date | null;
  outputSeq: Generated<number>;
  /** Of the beginning, which is all until it is full. */
  outputBytes: Generated<number>;
  /** Last line of the beginning once that is full, and first one of the end; what is between is gone. */
  outputHeadSeq: number | null;
  outputEndSeq: number | null;
  outputEndBytes: Generated<number>;
  outputGoneBytes: Generated<number>;
  /** Username; of a host task whose waiting hosts are not to begin. */
  cancelledBy: Generated<string | null>;
}

interface TaskResultsTable {
  taskId: number;
  position: number;
  instanceId: number | null;
  hostId: number;
  hostname: string;
  status: Generated<ResultStatus>;
  step: string | null;
  previousVersion: string | null;
  previousStatus: InstanceStatus | null;
  errorCode: number | null;
  message: string | null;
  problem: JSONColumnType<ProblemWire> | null;
  warning: JSONColumnType<ProblemWire> | null;
  /** What an action on this instance runs with; null: as the task has it. */
  setup: JSONColumnType<object> | null;
  /** The machine that the plan names; null: a task from before, or one without a plan. */
  machine: JSONColumnType<object> | null;
  started: Date | null;
  finished: Date | null;
}

interface TaskScriptsTable {
  taskId: number;
  position: number;
  step: string;
  language: ScriptLanguage;
  /** Null: it is that of the position `sameAs`. */
  content: string | null;
  sameAs: number | null;
  runningUser: string | null;
}

interface TaskOutputTable {
  taskId: number;
  seq: number;
  time: Generated<Date>;
  instanceId: number | null;
  host: string;
  step: string;
  stream: OutputStream;
  text: string;
}

interface TaskOutputCursorsTable {
  taskId: number;
  source: string;
  position: number;
}

interface TaskPartialsTable {
  taskId: number;
  source: string;
  position: number;
  instanceId: number | null;
  host: string;
  step: string;
  stream: OutputStream;
  text: string;
}

/** Work on machines, its results per host, its output. */
export interface TaskTables {
  tasks: TasksTable;
  taskResults: TaskResultsTable;
  taskScripts: TaskScriptsTable;
  taskOutput: TaskOutputTable;
  taskOutputCursors: TaskOutputCursorsTable;
  taskPartials: TaskPartialsTable;
}

export type TaskRow = Selectable<TasksTable>;
export type TaskResultRow = Selectable<TaskResultsTable>;
export type TaskOutputRow = Selectable<TaskOutputTable>;

export interface OutputLine {
  instanceId: number | null;
  host: string;
  step: string;
  stream: OutputStream;
  text: string;
}
