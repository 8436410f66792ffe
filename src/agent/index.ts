/** The provider agent: it reads a node's GPUs and speaks to the service over HTTP alone. */
export type { AgentEvent, AgentOptions } from './agent-options.ts';
export { inventoryClient } from './client.ts';
export { type Driver, DriverError } from './driver.ts';
export { fakeDriver, parseFakeStates } from './fake-driver.ts';
export type { Hook } from './hook.ts';
export { localHost } from './host.ts';
export { parseSnapshot } from './parse-snapshot.ts';
export { runAgent } from './runner.ts';
export { ServiceError } from './service-error.ts';
export { smiDriver } from './smi-driver.ts';
export { type AgentSnapshot, type GpuReport, SnapshotError } from './snapshot.ts';
export { stateFile } from './state-file.ts';
