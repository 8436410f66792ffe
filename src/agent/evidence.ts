import type { AgentSnapshot, GpuReport } from './snapshot.ts';
import { type Challenge, known } from './wire.ts';

/** What an agent gives as evidence: a reading of the GPU that was made for one challenge, whose nonce it repeats. */
export type Evidence = ReturnType<typeof evidenceOf>;

export function evidenceOf(
  { kind, nonce }: Challenge,
  { source }: AgentSnapshot,
  { specs, capabilities, telemetry, processes, ...identity }: GpuReport,
  takenAt: Date,
) {
  return {
    schemaVersion: '1',
    kind,
    nonce,
    takenAt: takenAt.toISOString(),
    source,
    gpu: known(identity),
    specs: known(specs),
    capabilities: known(capabilities),
    telemetry: known(telemetry),
  };
}
