import type { Role } from '../../kernel/context.ts';

const everybody = ['operator', 'provider', 'agent', 'tenant', 'verifier', 'viewer'] as const;
const owners = ['operator', 'provider'] as const;
const machines = ['operator', 'provider', 'agent'] as const;
const watchers = ['operator', 'provider', 'agent', 'verifier', 'viewer'] as const;
const consumers = ['operator', 'tenant'] as const;

/**
 * Who may do what. A route names its permission; what of it a key then sees is its owner's: somebody else's object
 * answers 404. A key's `scopes` narrow its role to some of these.
 */
export const permissions = {
  'providers:read': everybody,
  'providers:create': ['operator'],
  'providers:write': owners,
  'enrollment-tokens:create': owners,
  'nodes:read': everybody,
  'nodes:write': owners,
  'inventory:write': machines,
  'gpus:read': everybody,
  'gpus:write': owners,
  'gpus:clear-quarantine': ['operator'],
  'gpu-cleaning:read': machines,
  'gpu-cleaning:write': ['operator', 'agent'],
  'gpu-models:read': everybody,
  'gpu-models:write': ['operator'],
  'maintenance-windows:read': everybody,
  'maintenance-windows:write': owners,
  'processes:write': ['operator', 'agent'],
  'processes:read': watchers,
  'heartbeats:write': machines,
  'heartbeats:read': watchers,
  'incidents:read': watchers,
  'breaker:read': ['operator', 'viewer'],
  'breaker:release': ['operator'],
  'health-checks:write': ['operator', 'agent', 'verifier'],
  'health-checks:read': everybody,
  'verifications:create': ['operator', 'verifier'],
  'verifications:submit': machines,
  'verifications:decide': ['operator', 'verifier'],
  'verifications:read': watchers,
  'findings:read': watchers,
  'findings:resolve': ['operator'],
  'usage-metrics:write': machines,
  'usage-metrics:read': watchers,
  'benchmarks:write': ['operator', 'verifier'],
  'benchmarks:read': everybody,
  'candidates:find': consumers,
  'allocations:write': consumers,
  'availability:read': everybody,
  'allocations:read': ['operator', 'tenant', 'viewer'],
  'api-keys:read': owners,
  'api-keys:write': owners,
  'tenants:read': ['operator', 'viewer'],
  'tenants:write': ['operator'],
  'self:read': everybody,
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export const permissionNames = Object.keys(permissions) as Permission[];

export const roleMay = (role: Role, permission: Permission): boolean =>
  (permissions[permission] as readonly Role[]).includes(role);
