import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { actions, idle } from '../support/allocation-actions.ts';
import { AllocationMachine } from '../support/allocation-machine.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { seeded } from '../support/seeded.ts';

/** `TEST_SEED` plays other calls. */
const seed = Number(process.env.TEST_SEED ?? 20_261_126);
const calls = 1000;

let database: TestDatabase;
let machine: AllocationMachine;
beforeAll(async () => {
  database = await createDatabase();
  machine = await AllocationMachine.start(database);
}, 60_000);
afterAll(async () => {
  await machine.stop();
  await database.drop();
});

it(`a thousand random calls leave the service as the model has it after each of them (TEST_SEED=${seed})`, async () => {
  const random = seeded(seed);
  const names = Object.entries(actions).flatMap(([name, { weight }]) => Array<string>(weight).fill(name));
  const done = new Set<string>();
  for (let call = 1; call <= calls; call++) {
    const name = names[Math.floor(random() * names.length)] as string;
    const { about, answered, expected } = await (actions[name] as (typeof actions)[string])
      .run(machine, random)
      .catch((error: unknown) => {
        throw new Error(`Call ${call}, ${name}, TEST_SEED=${seed}`, { cause: error });
      });
    const faults = await machine.faults();
    expect({ seed, call, name, about, answered, faults }).toEqual({
      seed,
      call,
      name,
      about,
      answered: expected,
      faults: [],
    });
    if (about !== idle.about && answered === expected) done.add(name);
  }
  const states = new Set([...machine.model.allocations.values()].map(({ state }) => state));
  for (const end of ['released', 'expired', 'interrupted']) expect(states).toContain(end);
  expect([...done].sort()).toEqual(Object.keys(actions).sort());
}, 300_000);
