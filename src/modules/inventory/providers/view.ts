import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal } from '../../../kernel/context.ts';
import { reasonsOf } from '../../../kernel/gates.ts';
import { gpuCounts } from '../counts.ts';
import type { Provider } from './schemas.ts';

export type ProviderView = Static<typeof Provider>;

/** A provider as SQL gives it. */
export interface ProviderRow extends Omit<ProviderView, 'problems' | 'reputation'> {
  blocks: number;
  reputation: number | null;
}

/** Columns of `inventory.provider p`. */
export const providerColumns = sql`
  p.id, p.name, p.email, p.wallet_address, p.kind, p.lifecycle, p.region, p.country, p.labels, p.attributes,
  p.public_key, p.reputation, p.version, p.created_at, p.updated_at,
  ${gpuCounts(
    sql`s.provider_id = p.id`,
    sql`'nodes', (SELECT count(*) FROM inventory.node n
                   WHERE n.provider_id = p.id AND n.deleted_at IS NULL AND n.lifecycle <> 'retired'),`,
  )}`;

/** Until there is a score, it is said to be unknown and not shown as zero. */
const unscored = { state: 'insufficient_data', score: null, sampleSize: 0, formulaVersion: '1' } as const;

/** The wire shape. Who offers GPUs is public, how to reach them is not: e-mail addresses are for the provider itself and the house. */
export function toProvider({ blocks, ...row }: ProviderRow, { role }: Principal): ProviderView {
  const insider = role === 'operator' || role === 'provider' || role === 'agent';
  return {
    ...row,
    email: insider ? row.email : null,
    reputation: { ...unscored, lowerBound: row.reputation },
    problems: reasonsOf(blocks),
  };
}
