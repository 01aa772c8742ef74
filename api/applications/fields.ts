import { z } from 'zod';
import type { Named } from '../../kit/host-rules.ts';
import { standsRaw } from '../../kit/jinja/plain.ts';
import { plainLine } from '../../kit/script-text.ts';
import { responseTypes } from '../../workflows/applications/contract.ts';
import { eachOnce, idList } from '../operations/list-bodies.ts';
import { atLeastOne, distinct, id } from '../operations/schemas.ts';
import { issue } from '../operations/issue.ts';

const control = /[\u0000-\u001f\u007f]/;

/** An absolute path on a host without parent segments; `""` if `optional`. */
const absolutePath = ({ optional = false, root = true } = {}) =>
  z
    .string()
    .max(255)
    .refine((path) => (optional && path === '') || path.startsWith('/'), issue('must_be_an_absolute_path'))
    .refine((path) => !path.includes('..') && !control.test(path), issue('neither_dots_nor_control_characters'))
    .refine((path) => root || !/^\/[/.]*$/.test(path), issue('must_not_be_the_root_folder'));

/** A path that scripts receive as a value. */
export const scriptPath = (options: Parameters<typeof absolutePath>[0]) =>
  absolutePath(options).refine(standsRaw, issue('must_stand_unquoted'));

/** A user of the operating system. */
export const systemUser = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, issue('must_be_a_system_user'));

const commandLine = z
  .string()
  .overwrite(plainLine)
  .max(1000)
  .refine((line) => !control.test(line), issue('must_be_one_line'));

/** An id or null; 0 means null, as in the documented API. */
const optionalId = z.union([id, z.null(), z.literal([0, '0']).transform(() => null)]);

const responsePerson = z.union([id.transform((one) => ({ id: one })), z.object({ id, type: z.enum(responseTypes) })]);
export type WantedPerson = z.output<typeof responsePerson>;

const name = z
  .string()
  .max(64)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}\p{M}_-]*$/u, issue('must_be_an_application_name'));

const own = {
  name,
  description: z.string().max(2000),
  application_type: z.union([z.string(), z.number().transform(String)]).pipe(z.string().max(32)),
  run_user: systemUser,
  directory: scriptPath({ optional: true, root: false }),
  startup_cmd: commandLine,
  stop_cmd: commandLine,
  stdout_path: absolutePath({ optional: true }),
  stderr_path: absolutePath({ optional: true }),
  pid_path: absolutePath({ optional: true }),
};

const links = {
  parent_app: optionalId,
  child_apps: idList(1000),
  required_apps: idList(200),
  response_person: z
    .array(responsePerson)
    .max(50)
    .superRefine(eachOnce<WantedPerson>((one) => `${one.id}/${'type' in one ? one.type : ''}`, ''))
    .meta(distinct),
  production: optionalId,
};

const every = z.object({ ...own, ...links }).partial();

/** Writable fields, for creation and change. */
export const creation = every.required({ name: true });
export const changes = atLeastOne(every);
export type Fields = z.output<typeof every>;

/** The paths and the user in a body, for checks against the operator's lists. */
export const namedOnHosts = (fields: Fields): Named[] => [
  { field: 'run_user', kind: 'user', value: fields.run_user },
  { field: 'directory', kind: 'deploy', value: fields.directory },
  { field: 'stdout_path', kind: 'log', value: fields.stdout_path },
  { field: 'stderr_path', kind: 'log', value: fields.stderr_path },
  { field: 'pid_path', kind: 'pid', value: fields.pid_path },
];

const columns = {
  name: 'name',
  description: 'description',
  application_type: 'applicationType',
  run_user: 'runUser',
  directory: 'directory',
  startup_cmd: 'startupCmd',
  stop_cmd: 'stopCmd',
  stdout_path: 'stdoutPath',
  stderr_path: 'stderrPath',
  pid_path: 'pidPath',
} as const satisfies Record<keyof typeof own, string>;

type OwnField = keyof typeof columns;
type Columns = { [Field in OwnField as (typeof columns)[Field]]?: string };

/** The columns of a body's fields. */
export const columnsOf = (fields: Fields): Columns =>
  Object.fromEntries(
    (Object.keys(columns) as OwnField[]).flatMap((field) =>
      fields[field] === undefined ? [] : [[columns[field], fields[field]]],
    ),
  );
