import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';

const count = () => Type.Integer({ minimum: 0 });

const Sums = Type.Object({ gpus: count(), nodes: count(), providers: count() });

const anything = (description: string) => Type.Unsafe<unknown>({ description });

const FilterAccount = Type.Object({
  filter: Type.String({ description: 'Its name in the request; `schedulable` and `free` are always asked.' }),
  value: anything('As the request has it.'),
  removed: Type.Object(Sums.properties, {
    description:
      'GPUs that passed every filter before this one and not this one; nodes and providers that had such a GPU left ' +
      'before it and have none after it.',
  }),
  remaining: Type.Object(Sums.properties, { description: 'What is left after it.' }),
  ifDropped: Type.Object(Sums.properties, {
    description: 'What all the other filters together leave.',
  }),
});

const Relaxation = Type.Object({
  filter: Type.String({ description: 'The filter to change; all others stay.' }),
  from: anything('Its value in the request.'),
  to: anything('A value with which the request fits; null means without it.'),
  gpus: Type.Integer({ minimum: 1, description: 'How many GPUs the request then leaves.' }),
});

const Change = Type.Object({
  filter: Type.String(),
  from: anything('Its value in the request.'),
  to: anything('Its value with the other change made too; null means without it.'),
});

const Pair = Type.Object({
  changes: Type.Array(Change, { minItems: 2, maxItems: 2, description: 'Both are to be made.' }),
  gpus: Type.Integer({ minimum: 1, description: 'How many GPUs the request then leaves.' }),
});

const Miss = Type.Object({
  gpuId: Uuid(),
  nodeId: Uuid(),
  providerId: Uuid(),
  filter: Type.String({ description: 'The only filter that it fails.' }),
});

/** Why a request was given what it was given; `docs/explain.md` defines every number. */
export const Explain = Type.Object(
  {
    total: Type.Object(Sums.properties, { description: 'All that a list of GPUs shows.' }),
    filters: Type.Array(FilterAccount, {
      description:
        'One after another: `schedulable`, `free`, the keys of the request in their order, `sameNode`, `sameModel`, ' +
        '`distinctProviders`. The last three leave the GPUs of nodes, models and sets of providers that can still ' +
        'supply `count`.',
    }),
    relaxations: Type.Array(Relaxation, {
      maxItems: 5,
      description:
        'Changes of one filter with which the request fits: the one that gives up least first, then the one that ' +
        'gives most GPUs. Empty where it fits already, or where no single change suffices.',
    }),
    pairs: Type.Array(Pair, {
      maxItems: 3,
      description:
        'Where no single change suffices: two changes with which the request fits, the ones that give up least first.',
    }),
    nearestMisses: Type.Array(Miss, {
      maxItems: 5,
      description: 'GPUs that fail one filter alone: for each filter the one registered first.',
    }),
  },
  { $id: 'Explain' },
);
