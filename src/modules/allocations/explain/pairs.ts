import type { Static } from 'typebox';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { concessionsOf } from './concessions.ts';
import { countNear, type NearCounts } from './near-counts.ts';
import { offerFor } from './offers.ts';
import { type Bond, type Question, withoutBond, withoutPlace, withValue } from './question.ts';
import type { Explain } from './schemas.ts';
import { tally } from './tally.ts';

type Pair = Static<typeof Explain>['pairs'][number];
type Change = Pair['changes'][number];

/** What a request can leave away: a key or `excludeWarnings` by its place, or a bond. */
type Part = { place: number } | { bond: Bond };

/** Two parts without which the request fits, and the GPUs that it then leaves. */
interface Found {
  parts: [Part, Part];
  gpus: number;
}

const atMost = 3;
/** Where several bonds are asked for each look at what they leave is a scan. */
const looksAtMost = 3;

const without = (question: Question, part: Part): Question =>
  'bond' in part ? withoutBond(question, part.bond) : withoutPlace(question, part.place);

function partsOf({ predicates, bonds }: Question): Part[] {
  const places = predicates.flatMap(({ name, key }, at) =>
    key || name === 'excludeWarnings' ? [{ place: at + 1 }] : [],
  );
  return [...places, ...bonds.map((bond) => ({ bond }))];
}

const placesOf = (parts: readonly Part[]): number[] =>
  parts.flatMap((part) => ('place' in part ? [part.place] : []));

/** All pairs whose GPUs are enough before anybody asks for bonds, the ones with most GPUs first. */
function possible(question: Question, near: NearCounts): Found[] {
  const parts = partsOf(question);
  const pairs = parts.flatMap((first, at) =>
    parts
      .slice(at + 1)
      .map((second): Found => ({ parts: [first, second], gpus: near(...placesOf([first, second])) })),
  );
  return pairs.filter(({ gpus }) => gpus >= question.count).sort((a, b) => b.gpus - a.gpus);
}

/** The best of the pairs with which the request fits, counted with the bonds that stay. */
async function fitting(db: Queryable, question: Question, pairs: readonly Found[]): Promise<Found[]> {
  const found: Found[] = [];
  let looks = 0;
  for (const pair of pairs) {
    const rest = pair.parts.reduce(without, question);
    if (rest.bonds.length === 0) found.push(pair);
    else if (looks++ < looksAtMost) {
      const { gpus } = (await tally(db, rest)).within(rest.bonds);
      if (gpus >= question.count) found.push({ ...pair, gpus });
    }
  }
  return found.sort((a, b) => b.gpus - a.gpus).slice(0, atMost);
}

/** What becomes of one part while the rest of the question stays, and the GPUs that are left then. */
interface Step {
  change: Change;
  question: Question;
  gpus: number | null;
  share: number;
}

/** Asks as little less of a part as makes the question fit; leaves it away where it has no measure. */
async function ease(db: Queryable, question: Question, part: Part): Promise<Step> {
  const dropped = (filter: string, from: unknown, to: unknown): Step => ({
    change: { filter, from, to },
    question: without(question, part),
    gpus: null,
    share: 1,
  });
  if ('bond' in part) return dropped(part.bond, true, false);
  const { name, value, key } = question.predicates[part.place - 1] ?? { name: '', value: null, key: null };
  const steps: Step[] = [];
  for (const concession of concessionsOf(question, part.place)) {
    const offer = await offerFor(db, question, concession);
    const to = offer && concession.with(offer.value);
    if (!offer || to === undefined) continue;
    steps.push({
      change: { filter: name, from: value, to },
      question: withValue(question, part.place, to),
      gpus: offer.gpus,
      share: concession.share(offer.value),
    });
  }
  steps.sort((a, b) => a.share - b.share || (b.gpus ?? 0) - (a.gpus ?? 0));
  return steps[0] ?? dropped(name, value, key ? null : false);
}

/** The later part asks as little less as it can without the earlier one, then the earlier one with what that has come to. */
async function eased(db: Queryable, question: Question, { parts: [first, second], gpus }: Found) {
  const later = await ease(db, without(question, first), second);
  const given =
    'place' in second && later.gpus !== null
      ? withValue(question, second.place, later.change.to)
      : without(question, second);
  const earlier = await ease(db, given, first);
  const left = earlier.gpus ?? later.gpus ?? gpus;
  return { changes: [earlier.change, later.change], gpus: left, share: earlier.share + later.share };
}

/**
 * Up to three pairs of changes with which a request fits that no single change makes fit: the one that gives up the
 * smallest shares of what was asked first, then the one that gives most GPUs.
 */
export async function pairsOf(db: Queryable, question: Question): Promise<Pair[]> {
  const near = await countNear(db, question);
  if (!near) return [];
  const pairs = [];
  for (const found of await fitting(db, question, possible(question, near)))
    pairs.push(await eased(db, question, found));
  return pairs.sort((a, b) => a.share - b.share || b.gpus - a.gpus).map(({ share: _, ...pair }) => pair);
}
