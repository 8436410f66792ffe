import './typescript.mjs';

const { startServices } = await import('./services.ts');

/** Starts PostgreSQL and Redis once for the whole run; the workers find them by `process.env`. */
export default async function globalSetup() {
  globalThis.stopServices = await startServices();
}
