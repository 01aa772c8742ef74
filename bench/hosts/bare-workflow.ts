// The minimal workflow over many hosts: one activity per host, fifty at a time in each workflow.
import { executeChild, proxyActivities } from '@temporalio/workflow';

interface BareActivities {
  stopHost(input: { id: number }): Promise<string>;
}

const { stopHost } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' });

const perChild = 50;

export async function bareHosts({ ids }: { ids: number[] }): Promise<void> {
  await Promise.all(ids.map((id) => stopHost({ id })));
}

export async function bareTask({ name, ids }: { name: string; ids: number[] }): Promise<void> {
  const children: Promise<void>[] = [];
  for (let start = 0; start < ids.length; start += perChild) {
    const input = { ids: ids.slice(start, start + perChild) };
    const workflowId = `${name}/${start / perChild + 1}`;
    children.push(executeChild(bareHosts, { workflowId, args: [input] }));
  }
  await Promise.all(children);
}
