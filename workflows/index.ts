export { instanceTask } from './applications/workflow.ts';
export { deployTask } from './deploy/workflow.ts';
export { revertInstances, subTaskChunk, upgradeInstances } from './deploy/sub-task.ts';
export { adoptFindings, importHosts } from './host-imports/workflow.ts';
export { hostTask, hostTaskChunk, initHosts, removeHost } from './hosts/workflow.ts';
export { certificateRequest, domainRequest, hostRequest } from './requests/workflow.ts';
