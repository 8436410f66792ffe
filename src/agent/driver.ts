import type { AgentSnapshot } from './snapshot.ts';

/** Where a node's GPUs are read from: a vendor's tool, or the fake one. */
export interface Driver {
  /**
   * Takes one snapshot. `scope` is the node's id: it keeps derived uuids of different nodes apart.
   * @throws {DriverError} when the tool is absent, fails, or answers nonsense.
   */
  read(scope: string, signal?: AbortSignal): Promise<AgentSnapshot>;
}

/** The tool could not be asked; `message` names the command and what it said. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
}
