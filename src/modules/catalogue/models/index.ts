import type { GpuModel } from '../model.ts';
import { amdInstinct } from './amd-instinct.ts';
import { amdRadeon } from './amd-radeon.ts';
import { intel } from './intel.ts';
import { nvidiaAdaHopper } from './nvidia-ada-hopper.ts';
import { nvidiaAmpere } from './nvidia-ampere.ts';
import { nvidiaBlackwell } from './nvidia-blackwell.ts';
import { nvidiaKeplerMaxwell } from './nvidia-kepler-maxwell.ts';
import { nvidiaPascalVolta } from './nvidia-pascal-volta.ts';
import { nvidiaTuring } from './nvidia-turing.ts';
import { readTable } from './table.ts';

const tables = [
  nvidiaKeplerMaxwell,
  nvidiaPascalVolta,
  nvidiaTuring,
  nvidiaAmpere,
  nvidiaAdaHopper,
  nvidiaBlackwell,
  amdInstinct,
  amdRadeon,
  intel,
];

/**
 * The models that ship with the service: facts from the makers' data sheets, the drivers' lists of supported GPUs and the
 * PCI ID repository (pci-ids.ucw.cz). A figure that we are not sure of is null: a wrong one would accuse honest hardware.
 */
export function builtinModels(): GpuModel[] {
  return tables.flatMap(readTable);
}
