import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AgentService, agentService } from '../../../test/support/agent-service.ts';
import { Api } from '../api.ts';
import { Books } from './books.ts';
import { Cluster } from './cluster.ts';

let service: AgentService;
let shown: { gpus: object[]; gpusFree: number };
let cluster: Cluster;
let books: Books;
beforeEach(async () => {
  shown = { gpus: [], gpusFree: 0 };
  service = await agentService(({ path }) => ({
    status: 200,
    body: path.startsWith('/v1/gpus')
      ? { items: shown.gpus, nextCursor: null }
      : { counts: { gpusFree: shown.gpusFree } },
  }));
  cluster = new Cluster(new Api(service.url, 'key'));
  cluster.providerIds.push('p');
  for (const [gpu, node] of ['a1', 'a1', 'b1'].map((name, at) => [`${name}-${at}`, name])) {
    cluster.nodeOf.set(gpu ?? '', node ?? '');
  }
  books = new Books(cluster);
});
afterEach(() => service.close());

const allocation = (id: string, share: number, ...gpuIds: string[]) => ({
  id,
  gpus: gpuIds.map((gpuId) => ({ gpuId, nodeId: '', share })),
});
const audit = async () => {
  await books.audit(new Api(service.url, 'key'));
  return books.faults;
};

describe('the books of a replay', () => {
  it('add up what is in use, parts of a GPU included, and remember the most', () => {
    books.take(allocation('x', 1000, 'a1-0', 'a1-1'), { gpus: 2, share: 1000 });
    books.take(allocation('y', 400, 'b1-2'), { gpus: 1, share: 400 });
    books.take(allocation('z', 600, 'b1-2'), { gpus: 1, share: 600 });
    books.giveBack(allocation('x', 1000, 'a1-0', 'a1-1'));
    expect([books.inUse, books.peak, books.faults]).toEqual([1000, 3000, []]);
  });

  it('see a GPU that is given out twice, in parts too', () => {
    books.take(allocation('x', 700, 'b1-2'), { gpus: 1, share: 700 });
    books.take(allocation('y', 400, 'b1-2'), { gpus: 1, share: 400 });
    expect(books.faults).toEqual(['b1-2 was given out twice, to y at last']);
  });

  it('see what is not on one node, is too little, or is none of the trace’s', () => {
    books.take(allocation('x', 1000, 'a1-0', 'b1-2'), { gpus: 2, share: 1000 });
    books.take(allocation('y', 1000, 'a1-1'), { gpus: 2, share: 1000 });
    books.take(allocation('z', 1000, 'stranger'), { gpus: 1, share: 1000 });
    expect(books.faults).toEqual([
      'x is not on one node of the trace',
      'y is not what was asked for',
      'z is not on one node of the trace',
    ]);
  });

  it('agree with a service that shows the same', async () => {
    books.take(allocation('x', 1000, 'a1-0'), { gpus: 1, share: 1000 });
    shown.gpus = [
      { id: 'a1-0', isAllocated: true },
      { id: 'a1-1', isAllocated: false },
    ];
    shown.gpusFree = 1;
    expect(await audit()).toEqual([]);
  });

  it('see a GPU that reads otherwise, and a count that is off', async () => {
    shown.gpus = [{ id: 'a1-0', isAllocated: true }];
    shown.gpusFree = 2;
    expect(await audit()).toEqual(['a1-0 reads isAllocated true', 'gpusFree is 2, recounted 1']);
  });
});
