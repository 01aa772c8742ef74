// A minimal server of the list: one statement, JSON.stringify, node:http. Arguments: port, database.
import { createServer } from 'node:http';
import pg from 'pg';

const page = `
  select deploy_tasks.*, applications.name as application_name, applications.full_name, creator.username as creator,
    owner.username as owner,
    (select count(*) from (select 1 from deploy_tasks join applications on applications.id = application_id limit 10001) c) as count
  from deploy_tasks
  join applications on applications.id = deploy_tasks.application_id
  join users creator on creator.id = deploy_tasks.creator_id
  join users owner on owner.id = deploy_tasks.owner_id
  order by deploy_tasks.id desc limit $1`;

const [port, databaseUrl] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });

createServer((request, response) => {
  const size = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page_size') ?? 10);
  pool.query<{ count: string }>(page, [size]).then(
    ({ rows }) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ prev: null, next: '?page=2', count: Number(rows[0]?.count), results: rows }));
    },
    (error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    },
  );
}).listen(Number(port), '127.0.0.1');
