import { performance } from 'node:perf_hooks';
import { client, median } from './load.ts';
import { made, openNode } from './open-node.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

const claims = 100;
const gpus = 8;

/** X5: as many claims for one GPU each as callers, at once, on one node of eight; each round on the same eight. */
export async function contentionGoals(world: World, tenantId: string, rounds: number): Promise<Result[]> {
  const { send, close } = client(world.url, operatorKey, claims);
  const nodeId = await openNode(send, 'contended', gpus);
  const request = { count: 1, filter: { nodeId } };
  const round = async () => {
    const answers = await Promise.all(
      Array.from({ length: claims }, async () => {
        const begun = performance.now();
        const answer = await send({ method: 'POST', path: '/v1/allocations', body: { tenantId, request } });
        return { ...answer, ms: performance.now() - begun };
      }),
    );
    const won = answers.filter(({ status }) => status === 201);
    const failed = answers.filter(({ status }) => status !== 201 && status !== 409);
    if (failed[0]) throw new Error(`claim: ${failed[0].status} ${failed[0].text.slice(0, 300)}`);
    for (const { text } of won) await made(send, `/v1/allocations/${JSON.parse(text).id}/release`, {});
    const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
    return { winners: won.length, p95: sorted[Math.floor(claims * 0.95)] ?? Number.NaN };
  };
  for (let warm = 0; warm < 3; warm++) await round();
  const seen = [];
  for (let at = 0; at < rounds; at++) seen.push(await round());
  close();
  return [
    {
      id: 'X5',
      goal: `${claims} claims at once for one GPU each on a node of ${gpus}: p95 in ms`,
      value: median(seen.map(({ p95 }) => p95)),
      rule: '<=',
      target: 300,
      detail: `the others are told 409, with the reasons`,
    },
    {
      id: 'X5w',
      goal: 'the same: how many are served, the worst round',
      value: seen.reduce((worst, { winners }) => (winners === gpus ? worst : winners), gpus),
      rule: '=',
      target: gpus,
      detail: `${rounds} rounds`,
    },
  ];
}
