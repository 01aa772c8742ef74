// A bare worker of the same work. Per host: the intent in a row, the provider's call, a status check, and one commit of the
// result, the host and its record. Arguments: engine, task queue, database, hosts.
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import pg from 'pg';
import { addMachine, createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';

const [address = '', taskQueue = '', connectionString, hosts] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, max: 10 });
const world = createCloudWorld();
const cloud = createMemoryCloud(world);
for (let host = 1; host <= Number(hosts); host += 1) addMachine(world, { id: `host-${host}`, hostId: host });

async function stopHost({ id }: { id: number }): Promise<string> {
  const name = `host-${id}`;
  const ref = { providerId: name, hostId: id, name, place: null };
  const { rows } = await pool.query<{ id: string }>('insert into bare_calls (host_id) values ($1) returning id', [id]);
  const token = `bare-${rows[0]?.id}`;
  await cloud.power(ref, { action: 'stop', force: true, token, askedBefore: null });
  const { state } = await cloud.find(ref);
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('update bare_calls set answered = now() where id = $1', [rows[0]?.id]);
    await client.query('update bare_hosts set os_status = $1 where id = $2', [state, id]);
    await client.query('insert into bare_records (host_id, what) values ($1, $2)', [id, 'stopped']);
    await client.query('commit');
  } finally {
    client.release();
  }
  return state;
}

const { code } = await bundleWorkflowCode({
  workflowsPath: join(import.meta.dirname, 'bare-workflow.ts'),
  logger: new DefaultLogger('ERROR'),
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowBundle: { code },
  maxCachedWorkflows: 500,
  activities: { stopHost },
});
await worker.run();
process.exit(0);
