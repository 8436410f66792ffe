import { expect, it } from '@jest/globals';
import { AppError } from '../../../kernel/errors.ts';
import { quotaExceeded } from './errors.ts';
import { withinQuotas } from './within-quotas.ts';

const beyond = () => quotaExceeded('{"quota":"maxGpus","limit":"1","used":"1","asked":"1"}');

/** A tenant with what counts against its quotas, of which this many are over; ends them, unless a sweep has. */
function tenantWith({ used, over, swept }: { used: number; over: number; swept: boolean }) {
  const usage = { used, claims: 0 };
  const end = () => {
    usage.used -= over;
  };
  const claim = async () => {
    usage.claims += 1;
    if (usage.used === 0) return 'served';
    if (swept && usage.claims === 1) end();
    throw beyond();
  };
  const endDueOf = async () => {
    if (!swept) end();
    return swept ? 0 : over;
  };
  return { usage, serve: () => withinQuotas({ endDueOf }, 'tenant', claim) };
}

it('ends what is over of a tenant, and asks again', async () => {
  expect(await tenantWith({ used: 1, over: 1, swept: false }).serve()).toBe('served');
});

it('asks again as well where a sweep was faster', async () => {
  expect(await tenantWith({ used: 1, over: 1, swept: true }).serve()).toBe('served');
});

it('refuses what still is beyond a quota then', async () => {
  const { usage, serve } = tenantWith({ used: 2, over: 1, swept: false });
  await expect(serve()).rejects.toMatchObject({ code: 'allocation.quota_exceeded' });
  expect(usage.claims).toBe(2);
});

it('lets any other refusal stand', async () => {
  let claims = 0;
  const refusal = new AppError(409, 'gpu.unavailable', 'taken');
  const serve = withinQuotas({ endDueOf: async () => 0 }, 'tenant', () => {
    claims += 1;
    return Promise.reject(refusal);
  });
  await expect(serve).rejects.toBe(refusal);
  expect(claims).toBe(1);
});
