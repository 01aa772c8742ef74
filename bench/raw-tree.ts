// A minimal server of the lists of applications: one statement, JSON.stringify, node:http. Arguments: port, database. The
// query has the API's filters, and optionally `as`, the user whose grants apply; paths name the nested lists.
import { createServer } from 'node:http';
import pg from 'pg';

const text = (column: string) => (value: string) => `a.${column} ilike ${value}`;
const number = (column: string) => (value: string) => `a.${column} = ${value}`;

const granted = (holder: string): string =>
  `select object_id from grants where scope = 'application' and permission like '%_app%' and ${holder}`;
const userId = (value: string): string => `(select id from users where username = ${value})`;

const filters: Record<string, (value: string) => string> = {
  name: text('name'),
  full_path: text('full_name'),
  application_type: text('application_type'),
  production: number('production_id'),
  parent_app: number('parent_id'),
  has_parent: (value) => `(a.parent_id is not null) = (${value} = '1')`,
  response_persons: (value) =>
    `a.id = any(array(select application_id from response_persons where user_id = any(string_to_array(${value}, ',')::bigint[])))`,
  role: (value) =>
    `a.id = any(array(${granted(`role_id = (select id from roles where lower(name) = lower(${value}))`)}))`,
  user: (value) => `a.id = any(array(${granted(`user_id = ${userId(value)}`)}
    union all ${granted(`role_id in (select role_id from user_roles where user_id = ${userId(value)})`)}
    union all select application_id from response_persons where user_id = ${userId(value)}))`,
};
const patterns = ['name', 'full_path', 'application_type'];

const seenBy = (id: string): string => `(${id} = any(array(${granted('user_id = $1')})))`;

function listOf(query: URLSearchParams): { text: string; values: unknown[] } {
  const as = query.get('as');
  const values: unknown[] = as === null ? [] : [as];
  const conditions = ['a.deleted_time is null', ...(as === null ? [] : [seenBy('a.id')])];
  for (const [name, value] of query) {
    const condition = filters[name];
    if (condition === undefined) continue;
    values.push(patterns.includes(name) ? `%${value}%` : value);
    conditions.push(condition(`$${values.length}`));
  }
  const from = `from applications a where ${conditions.join(' and ')}`;
  const child = `select true from applications c where c.parent_id = a.id and c.deleted_time is null`;
  return {
    text: `select a.id, a.name, a.full_name, a.production_id as production, a.parent_id as parent_app,
        (${child}${as === null ? '' : ` and ${seenBy('c.id')}`} limit 1) is not null as has_child,
        (select count(*) from (select 1 ${from} limit 10001) capped) as count
      ${from} order by a.id limit 10`,
    values,
  };
}

const persons = `select users.id, users.name, users.email, users.phone as mobile, type, count(*) over () as count
  from response_persons join users on users.id = user_id where application_id = $1 order by users.id, type limit 10`;

const [port, databaseUrl] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const [, id, list] = /^\/applications\/(\d+)\/([\w-]+)\/$/.exec(pathname) ?? [];
  if (list === 'child-apps') searchParams.set('parent_app', id ?? '');
  const answer = list === 'response-person' ? pool.query(persons, [id]) : pool.query(listOf(searchParams));
  answer.then(
    ({ rows }) => {
      const [{ count } = { count: 0 }] = rows as { count: unknown }[];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ prev: null, next: '?page=2', count: Number(count), results: rows }));
    },
    (error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    },
  );
}).listen(Number(port), '127.0.0.1');
