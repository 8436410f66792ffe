import sql, { type Sql } from 'sql-template-tag';

/** What tenants are asked to show of other modules. */
export interface AccessPorts {
  /** What a tenant uses now as JSON, over `tenant t`; read in a transaction of the caller's. */
  usage: Sql;
}

/** Stands in until a module that gives GPUs to tenants connects itself. */
export const noUsage: AccessPorts = {
  usage: sql`json_build_object('gpus', 0, 'memoryMb', 0, 'heldGpus', 0, 'pricePerHourNanoUsd', '0')`,
};
