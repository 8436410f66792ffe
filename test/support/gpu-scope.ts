import { type ListRequest, parseList } from '../../src/kernel/db/list.ts';
import { createCursorCodec } from '../../src/kernel/http/cursor.ts';
import { createGpuCollection } from '../../src/modules/inventory/gpus/collection.ts';
import { visibleGpus } from '../../src/modules/inventory/gpus/view.ts';
import { operator } from './kernel.ts';

const find = (text: string) => [text];
const policy = { minVerificationLevel: 0 };
const models = { resolve: () => 'uncatalogued', model: () => undefined, models: () => [], find };
const collection = createGpuCollection(models, policy);

/** A search of GPUs by an operator, without a service around it: model names stand for themselves. */
export const gpuScope = { collection, find, policy, visible: visibleGpus(operator) };

export const gpuCursors = createCursorCodec(Buffer.alloc(32));

export const gpuRequest = (query: Record<string, unknown>): ListRequest =>
  parseList(collection, gpuCursors, query, null);
