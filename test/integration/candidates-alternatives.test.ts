import { expect, it } from '@jest/globals';
import { useMarkedFleet } from '../support/marked-fleet.ts';

const { ask, client, marked, open } = useMarkedFleet();

const alternatives = [
  { count: 2, filter: { minMemoryMb: 500_000 } },
  { count: 2, objective: 'spread' },
  { count: 1 },
];

it('200: the request itself comes before them', async () => {
  await open({ gpus: 3 });
  const { body } = await ask({ count: 3, alternatives: alternatives.map(marked) }).expect(200);
  expect(body.candidates.map(countsOf)).toEqual([[3]]);
  expect(body.alternative).toBeUndefined();
});

it('200: the first of them that fits wins', async () => {
  await open({ gpus: 2 });
  const { body } = await ask({ count: 3, alternatives: alternatives.map(marked), holdTtlS: 60 }).expect(200);
  expect(body.candidates.map(countsOf)).toEqual([[2]]);
  expect(body.alternative).toBe(1);
  expect(body.candidates[0].scoreTerms).toEqual({ freeOnNode: 4 });
  expect(body.hold.gpus).toHaveLength(2);
});

it('201: an allocation takes it', async () => {
  await open({ gpus: 1 });
  const request = { ...marked({ count: 3 }), alternatives: alternatives.map(marked) };
  const { body } = await client().post('/v1/allocations').send({ request }).expect(201);
  expect(body.gpus).toHaveLength(1);
  const again = await client().post('/v1/allocations').send({ request }).expect(409);
  expect(again.body.code).toBe('allocation.no_capacity');
});

it('200: each is for as many GPUs where it does not say how many', async () => {
  await open({ gpus: 2 });
  const other = { filter: { minMemoryMb: 500_000 }, alternatives: [{ filter: {} }].map(marked) };
  const { body } = await ask({ count: 2, ...other }).expect(200);
  expect([body.alternative, ...body.candidates.map(countsOf)]).toEqual([0, [2]]);
  const groups = [{ count: 1 }, { count: 1 }];
  const { body: grouped } = await ask({ groups, ...other }).expect(200);
  expect([grouped.alternative, ...grouped.candidates.map(countsOf)]).toEqual([0, [2]]);
  const request = { ...other, count: 2 };
  const { body: allocation } = await client().post('/v1/allocations').send({ request }).expect(201);
  expect(allocation.gpus).toHaveLength(2);
});

const countsOf = ({ classes }: { classes: { count: number }[] }) => classes.map(({ count }) => count);
