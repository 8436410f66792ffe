import { AppError } from '../../../kernel/errors.ts';
import type { Hardware } from './identity.ts';

/** A provider says it has hardware that another one holds. */
export interface HardwareClaim {
  hardware: Hardware;
  pointer: string;
  /** Who claims it, and where. */
  providerId: string;
  nodeId: string;
  /** Who holds it; never shown to the claimant. */
  holder: { gpuId: string; providerId: string };
}

/** 409: the first to report a piece of hardware keeps it; the whole request is refused. */
export class HardwareConflict extends AppError {
  readonly claims: readonly HardwareClaim[];

  constructor(claims: readonly HardwareClaim[]) {
    const uuids = claims.map(({ hardware }) => hardware.uuid);
    super(409, 'gpu.hardware_conflict', `Another provider holds ${uuids.join(', ')}.`, {
      errors: claims.map(({ pointer }) => ({ pointer, detail: 'is held by another provider' })),
      members: { uuids },
    });
    this.claims = claims;
  }
}

/** 409: the provider has this hardware already, on this node or another. */
export const gpuExists = (pointer: string, gpuId: string): AppError =>
  new AppError(409, 'gpu.exists', 'The provider has this GPU already.', {
    errors: [{ pointer, detail: 'is registered' }],
    members: { gpuId },
  });

/** 409: two requests registered the same hardware at once; the write is tried again before anybody sees this. */
export const hardwareRaced = (): AppError =>
  new AppError(409, 'gpu.hardware_raced', 'Another request registers the same hardware; try again.');

/** The error of one item of a batch, with the place of the item. */
export const at = (pointer: string, error: AppError): AppError =>
  new AppError(error.status, error.code, error.message, {
    errors: [{ pointer, detail: error.message }],
    members: error.members,
    headers: error.headers,
    cause: error,
  });

/** The refusal of one piece of hardware that another provider holds. */
export const conflictOf = (
  hardware: Hardware,
  holder: { id: string; providerId: string },
  node: { id: string; providerId: string },
  pointer: string,
): HardwareConflict =>
  new HardwareConflict([
    {
      hardware,
      pointer,
      providerId: node.providerId,
      nodeId: node.id,
      holder: { gpuId: holder.id, providerId: holder.providerId },
    },
  ]);
