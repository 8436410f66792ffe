import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** What the OpenAPI document says of this release. */
export const release = {
  version,
  contact: { name: 'The DePIN Inventory authors', email: 'maintainers@depin-inventory.example' },
};

/** Groups of operations in the order in which a newcomer meets them. */
export const tags = [
  { name: 'providers', description: 'Organisations and people that offer GPUs.' },
  { name: 'nodes', description: 'Machines; each runs one agent.' },
  { name: 'gpus', description: 'Physical GPUs and hardware partitions: search, describe, price.' },
  { name: 'gpu-models', description: 'The catalogue that GPUs resolve to.' },
  { name: 'maintenance', description: 'Times in which a node may be down, announced.' },
  { name: 'heartbeats', description: 'Signs of life with telemetry.' },
  { name: 'liveness', description: 'Silence: incidents, uptime, and the breaker against mass expiry.' },
  { name: 'health', description: 'Observations that take a GPU out, or back in.' },
  { name: 'verifications', description: 'Challenge, evidence, verdict: is a GPU what it claims to be?' },
  { name: 'findings', description: 'Facts that contradict others.' },
  { name: 'benchmarks', description: 'Measured numbers of named suites.' },
  { name: 'usage-metrics', description: 'Samples of what GPUs do, and what they come to over time.' },
  { name: 'allocations', description: 'Exclusive use of GPUs: hold, confirm, extend, release.' },
  { name: 'access', description: 'API keys and tenants.' },
  { name: 'service', description: 'Probes and this document.' },
];
