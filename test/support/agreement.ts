import type pg from 'pg';
import { versionFaults } from './changes.ts';
import { allocationFaults, ledgerFaults } from './ledger.ts';

/** What the database says twice and differently: of the ledger, of allocations, of versions. */
export const disagreements = async (owner: pg.Pool): Promise<object[]> => [
  ...(await ledgerFaults(owner)),
  ...(await allocationFaults(owner)),
  ...(await versionFaults(owner)),
];
