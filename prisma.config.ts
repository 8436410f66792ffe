import { defineConfig } from 'prisma/config';

// `prisma generate` must not need a database; migrations are run by our own runner (src/kernel/migrations.ts).
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://localhost:5432/unused' },
});
