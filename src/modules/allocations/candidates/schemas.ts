import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import { Explain } from '../explain/schemas.ts';
import {
  Allocation,
  answerOptions,
  durationS,
  gpuRequest,
  graceS,
  holdTtlS,
  onInterruption,
  purpose,
} from '../schemas.ts';

export const FindCandidates = Type.Object(
  {
    ...gpuRequest,
    ...answerOptions,
    holdTtlS: Type.Optional({ ...holdTtlS, description: 'Holds the best candidate for so long.' }),
    durationS: Type.Optional({ ...durationS, description: 'For how long the GPUs are needed.' }),
    purpose: Type.Optional(purpose),
    onInterruption: Type.Optional(onInterruption),
    graceS: Type.Optional(graceS),
    tenantId: Type.Optional(Uuid({ description: 'For whom an operator holds; nobody else names it.' })),
  },
  {
    $id: 'FindCandidates',
    additionalProperties: false,
    examples: [
      { count: 2, filter: { minMemoryMb: 16_000 }, sameNode: true, objective: 'best_fit' },
      { groups: [{ count: 1, filter: { minMemoryMb: 40_000 } }, { count: 2 }], limit: 3 },
    ],
  },
);

const CandidateClass = Type.Object({
  modelId: Type.String(),
  nodeId: Type.Optional(
    Uuid({ description: 'Where GPUs of different nodes are told apart: with `sameNode`.' }),
  ),
  count: Type.Integer({ minimum: 1, description: 'GPUs that the candidate takes of the class.' }),
  available: Type.Integer({
    minimum: 1,
    description: 'GPUs of the class that are free, schedulable and fit.',
  }),
});

const term = (description: string) => Type.Optional(Type.Number({ description }));

const Candidate = Type.Object({
  classes: Type.Array(CandidateClass, {
    description:
      'GPUs that nobody who asks can tell apart are one class; two candidates never differ within classes only.',
  }),
  gpuIds: Type.Array(Uuid(), { description: 'The best of each class.' }),
  score: Type.Number({ description: 'The sum of the terms; the higher the better.' }),
  scoreTerms: Type.Object(
    {
      price: term('Nano-USD by the hour, against it; unpriced GPUs count as 9223372036854775807.'),
      surplusMemoryMb: term(
        'MiB beyond what the filter asks for, against it; unknown memory counts as 2147483647.',
      ),
      reputation: term("The providers' reputations, unknown ones as -1, for it."),
      freeOnNode: term("Free GPUs of each GPU's node; for it with `spread`, else against it."),
    },
    {
      description:
        'What the objective looks at, added up over the GPUs. A later aspect is scaled so far down that it never ' +
        'outweighs an earlier one: memory and free GPUs of `cheapest` by 1e-13 and 1e-20, free GPUs of `best_fit` by ' +
        '1e-7, the price of `most_reliable` by 1e-32.',
    },
  ),
});

export const Candidates = Type.Object(
  {
    candidates: Type.Array(Candidate, {
      description:
        'The best first, which is what an allocation with the same request would take; empty where nothing fits.',
    }),
    alternative: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Which of the `alternatives` this is, where the request itself did not fit.',
      }),
    ),
    hold: Type.Optional(ref(Allocation)),
    explain: Type.Optional(ref(Explain)),
  },
  { $id: 'Candidates' },
);
