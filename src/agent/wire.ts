import type { HostFacts, HostMetrics } from './host.ts';
import type { AgentSnapshot, DriverFacts, GpuProcess, GpuReport, GpuTelemetry } from './snapshot.ts';
import { at } from './values.ts';

/** `T` with unknown (`null`) members left out: the service takes an absent field for unknown. */
type Known<T> = { [K in keyof T]?: Exclude<T[K], null> };

export type NodeSystem = Known<HostFacts & DriverFacts>;

/** Body of `PUT /v1/nodes/{id}/inventory`. */
export interface InventoryBody extends InventoryContent {
  generation: number;
}

export interface InventoryContent {
  complete: boolean;
  confirmEmpty: boolean;
  system: NodeSystem;
  gpus: Known<Omit<GpuReport, 'telemetry' | 'processes'>>[];
}

/** Body of `POST /v1/heartbeats`. */
export interface HeartbeatBody {
  nodeId: string;
  sequence: number;
  sentAt: string;
  status: 'healthy' | 'degraded';
  systemMetrics: Known<HostMetrics>;
  gpus: Known<GpuTelemetry>[];
}

/** Body of `PUT /v1/gpus/{id}/processes`. */
export interface ProcessesBody {
  generation: number;
  processes: Known<GpuProcess>[];
}

/** What the service takes of a name, and of a list. */
const LONGEST_NAME = 1024;
const LONGEST_LIST = 1000;

/** A number says which process it is: two entries of one, which nvidia-smi prints for graphics and compute, are one. */
export const processContent = (processes: readonly GpuProcess[]): ProcessesBody['processes'] =>
  [...new Map(processes.map((process) => [process.pid, process])).values()]
    .slice(0, LONGEST_LIST)
    .map(({ name, ...process }) => known({ ...process, name: name?.slice(0, LONGEST_NAME) ?? null }));

/** What a snapshot says about hardware, readings left out: equal content means that nothing changed. */
export function inventoryContent(
  snapshot: AgentSnapshot,
  facts: HostFacts,
  confirmEmpty: boolean,
): InventoryContent {
  return {
    complete: snapshot.complete,
    confirmEmpty,
    system: known({ ...facts, ...snapshot.system }),
    gpus: snapshot.gpus.map(({ telemetry, processes, specs, capabilities, ...identity }) => ({
      ...known(identity),
      specs: known(specs) as GpuReport['specs'],
      capabilities: known(capabilities) as GpuReport['capabilities'],
    })),
  };
}

export const known = <T extends object>(fields: T): Known<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Known<T>;

/** What the service wants proved of one of our GPUs, by `expiresAt`. */
export interface Challenge {
  id: string;
  gpuId: string;
  kind: string;
  nonce: string;
  expiresAt: string;
}

export interface UsageSample {
  gpuId: string;
  metric: string;
  value: number;
  unit: string;
  /** RFC 3339. */
  at: string;
}

/** What the service asks of this node, told again with every heartbeat while it stands. */
export interface Directive {
  type: string;
  verificationId: string | null;
  deadlineAt: string | null;
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** The directives of an answer; one that is not as we know them is not followed. */
export function directivesIn(answer: unknown): Directive[] {
  const given = at(answer, 'directives');
  if (!Array.isArray(given)) return [];
  return given.flatMap((directive) => {
    const type = text(at(directive, 'type'));
    if (type === null) return [];
    return {
      type,
      verificationId: text(at(directive, 'verificationId')),
      deadlineAt: text(at(directive, 'deadlineAt')),
    };
  });
}
