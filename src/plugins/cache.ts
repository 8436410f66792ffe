import fp from 'fastify-plugin';
import { type Cache, type CacheOptions, createCache } from '../kernel/cache/cache.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** For the composition root, which hands it to the modules. */
    cache: Cache;
  }
}

/** The cache for as long as the app lives. */
export const cachePlugin = fp<CacheOptions>(
  async (app, options) => {
    const cache = createCache(options);
    app.decorate('cache', cache);
    app.addHook('onClose', () => cache.close());
  },
  { name: 'cache', fastify: '5.x' },
);
