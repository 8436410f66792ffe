import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { Census } from '../../src/modules/allocations/census.ts';
import { Explainer, fits } from '../../src/modules/allocations/explain/explainer.ts';
import { type AskedRequest, bodyOfRequest, expectedExplain, requestOn } from '../support/explain-oracle.ts';
import { type KnownGpu, randomFleet } from '../support/gpu-fleet.ts';
import { gpuScope } from '../support/gpu-scope.ts';
import { openDatabase } from '../support/kernel.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let census: Census;
let explainer: Explainer;
let fleet: KnownGpu[];
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000' });
  fleet = await randomFleet(service, 1000, 11, [7, 5, 3, 2, 2, 1, 1, 1, 1, 1]);
  census = new Census(openDatabase(service.database.url));
  explainer = new Explainer({
    census,
    log: pino({ level: 'silent' }),
    search: gpuScope,
  });
});
afterAll(async () => {
  await census.close();
  await service.stop();
});

describe('explain', () => {
  it('counts what brute force counts, whatever the request', async () => {
    await fc.assert(
      fc.asyncProperty(requestOn(fleet), async (asked) => {
        const { total, filters } = await explainer.explain(bodyOfRequest(asked));
        expect({ total, filters }).toEqual(expectedExplain(fleet, asked));
      }),
      { numRuns: 100 },
    );
  });

  it('offers changes with which the request fits, and counts what it then leaves', async () => {
    let offered = 0;
    await fc.assert(
      fc.asyncProperty(requestOn(fleet), async (asked) => {
        const body = bodyOfRequest(asked);
        const explained = await explainer.explain(body);
        if (fits(body, explained)) return expect(explained.relaxations).toEqual([]);
        for (const { filter, to, gpus } of explained.relaxations) {
          const relaxed = relaxedBy(body, filter, to);
          const { filters } = await explainer.explain(relaxed);
          expect([body, filter, to, filters.at(-1)?.remaining.gpus]).toEqual([body, filter, to, gpus]);
          expect(gpus).toBeGreaterThanOrEqual(body.count);
          offered += 1;
        }
      }),
      { numRuns: 200 },
    );
    expect(offered).toBeGreaterThan(30);
  });

  it('offers pairs of changes where no single one suffices, and none only where there is none', async () => {
    let offered = 0;
    await fc.assert(
      fc.asyncProperty(requestOn(fleet), async (asked) => {
        const body = bodyOfRequest(asked);
        const explained = await explainer.explain(body);
        if (fits(body, explained) || explained.relaxations.length > 0)
          return expect(explained.pairs).toEqual([]);
        for (const { changes, gpus } of explained.pairs) {
          const relaxed = changes.reduce((given, { filter, to }) => relaxedBy(given, filter, to), body);
          const { filters } = await explainer.explain(relaxed);
          expect([body, changes, filters.at(-1)?.remaining.gpus]).toEqual([body, changes, gpus]);
          expect(gpus).toBeGreaterThanOrEqual(body.count);
          offered += 1;
        }
        const served = servedWithout(asked);
        if (explained.pairs.length === 0) expect([asked, served]).toEqual([asked, []]);
        if (asked.sameNode || asked.sameModel || asked.distinctProviders) return;
        const filtersOf = ({ changes }: (typeof explained.pairs)[number]) =>
          changes.map(({ filter }) => filter);
        const left = explained.pairs.map((pair) => leftWithout(asked, filtersOf(pair)));
        expect([asked, left.sort((a, b) => b - a)]).toEqual([asked, served.slice(0, 3)]);
      }),
      { numRuns: 150 },
    );
    expect(offered).toBeGreaterThan(5);
  });
});

const flagsOf = ({ sameNode, sameModel, distinctProviders, excludeWarnings }: AskedRequest) =>
  Object.entries({ sameNode, sameModel, distinctProviders, excludeWarnings });

const withoutParts = (asked: AskedRequest, parts: readonly string[]): AskedRequest => ({
  ...asked,
  keys: asked.keys.filter(({ name }) => !parts.includes(name)),
  ...Object.fromEntries(flagsOf(asked).map(([name, asks]) => [name, Boolean(asks) && !parts.includes(name)])),
});

const leftWithout = (asked: AskedRequest, parts: readonly string[]): number =>
  expectedExplain(fleet, withoutParts(asked, parts)).filters.at(-1)?.remaining.gpus ?? 0;

/**
 * What brute force finds without each pair of parts, where it is enough and no bond is left that only some of the pairs
 * were tried with; the most first.
 */
function servedWithout(asked: AskedRequest): number[] {
  const flags = flagsOf(asked).flatMap(([name, asks]) => (asks ? [name] : []));
  const parts = [...asked.keys.map(({ name }) => name), ...flags];
  return parts
    .flatMap((first, at) => parts.slice(at + 1).map((second) => [first, second]))
    .filter((pair) => {
      const rest = withoutParts(asked, pair);
      return !(rest.sameNode || rest.sameModel || rest.distinctProviders);
    })
    .map((pair) => leftWithout(asked, pair))
    .filter((left) => left >= asked.count)
    .sort((a, b) => b - a);
}

type Body = ReturnType<typeof bodyOfRequest>;

function relaxedBy(body: Body, filter: string, to: unknown): Body {
  if (!(filter in body.filter)) return { ...body, [filter]: to };
  const { [filter]: _, ...others } = body.filter;
  return { ...body, filter: to === null ? others : { ...others, [filter]: to } };
}
