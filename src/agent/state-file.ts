import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from './client.ts';
import { isRecord } from './values.ts';

/** What an agent must not forget: its key, and how far it has counted. */
export interface AgentState extends Identity {
  /** The service that the key belongs to. */
  url: string;
  generation: number;
  sequence: number;
  /** SHA-256 of the inventory that the service took last; `null` before the first. */
  inventoryDigest: string | null;
  /** The drain that the service asked for; `null` while it asks for none. */
  drain: Drain | null;
}

export interface Drain {
  /** RFC 3339; `null` where there is none. */
  deadlineAt: string | null;
  /** Whether the operator's command has been run for it. */
  isTold: boolean;
}

export interface StateStore {
  load(): Promise<AgentState | null>;
  save(state: AgentState): Promise<void>;
}

/**
 * Keeps the state in `<directory>/agent.json`, readable by its owner alone (0600) since it holds the key, and
 * replaced by rename so that a crash leaves the old or the new one.
 * @throws {Error} from `load` when the file is not ours: better to stop than to enrol twice.
 */
export function stateFile(directory: string): StateStore {
  const path = join(directory, 'agent.json');
  return {
    async load() {
      const text = await readIfThere(path);
      return text === null ? null : decode(text, path);
    },
    async save(state) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const draft = `${path}.${process.pid}.tmp`;
      await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
      await chmod(draft, 0o600);
      await rename(draft, path);
    },
  };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function decode(text: string, path: string): AgentState {
  const state: unknown = JSON.parse(text);
  if (!isState(state)) throw new Error(`${path} is not the state of an agent; move it away to enrol anew.`);
  // Agents before this one did not keep it.
  return { ...state, drain: state.drain ?? null };
}

const isState = (value: unknown): value is AgentState =>
  isRecord(value) &&
  [value.url, value.nodeId, value.apiKey].every((member) => typeof member === 'string') &&
  [value.generation, value.sequence].every(Number.isSafeInteger);
