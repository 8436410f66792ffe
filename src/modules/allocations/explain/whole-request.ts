import type { Static } from 'typebox';
import type { GpuAlternative } from '../schemas.ts';
import { type Circumstances, type Explain, type Explainer, fits } from './explainer.ts';
import type { Asked } from './question.ts';

type Request = Static<typeof GpuAlternative>;

/** Why a request was not served. */
export interface Explanation {
  /** Null where it cannot be had in time. */
  explain: Explain | null;
  /** Whether all that was explained fits by now. */
  fits: boolean;
}

/**
 * Explains a request, its alternatives apart. One with groups fails by what they have in common, or by one of them:
 * the first that would not be served by itself is explained; where all would be, what they have in common.
 */
export async function explainRequest(
  explainer: Pick<Explainer, 'explainInTime'>,
  request: Request,
  circumstances: Circumstances,
): Promise<Explanation> {
  const [whole, ...groups] = asksOf(request);
  const explain = await explainer.explainInTime(whole, circumstances);
  if (!explain || !fits(whole, explain)) return { explain, fits: false };
  for (const group of groups) {
    const ofGroup = await explainer.explainInTime(group, circumstances);
    if (!ofGroup || !fits(group, ofGroup)) return { explain: ofGroup, fits: false };
  }
  return { explain, fits: true };
}

/** What a request asks for as a whole, then each of its groups with that. */
function asksOf({ groups = [], ...request }: Request): [Asked, ...Asked[]] {
  const count = request.count ?? groups.reduce((sum, group) => sum + group.count, 0);
  const each = groups.map(
    (group): Asked => ({ ...request, ...group, filter: both(request.filter, group.filter) }),
  );
  return [{ ...request, count }, ...each];
}

/** Both filters in one, key by key where they share none, so that each is told of by its name. */
function both(common: object = {}, own: object = {}): object {
  if (Object.keys(common).some((key) => key in own)) return { all: [common, own] };
  return { ...common, ...own };
}
