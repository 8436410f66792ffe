import type { Principal } from '../../../kernel/context.ts';
import { invalid } from '../../../kernel/errors.ts';

/** Who the GPUs are for: an operator says, everybody else is it. */
export function tenantOf({ role, tenantId }: Principal, named: string | undefined): string {
  if (role !== 'operator' && named !== undefined) throw invalid('/tenantId', 'is for operators');
  const owner = role === 'operator' ? named : tenantId;
  if (!owner) throw invalid('/tenantId', 'is required of an operator');
  return owner;
}
