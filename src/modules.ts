import type { ModuleDefinition } from './module.ts';
import { access } from './modules/access/index.ts';

/** Every module of the service, dependencies first. */
export const modules: readonly ModuleDefinition[] = [access];
