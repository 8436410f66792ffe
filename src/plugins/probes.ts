import type { FastifyContextConfig } from 'fastify';
import fp from 'fastify-plugin';
import { Type } from 'typebox';
import { AppError } from '../kernel/errors.ts';
import { problemResponses, StrEnum } from '../kernel/http/schemas.ts';

export type HealthStatus = 'ok' | 'degraded' | 'unavailable';

/** One thing that the service depends on: how it is, how long the answer took, and what else is worth knowing. */
export interface HealthCheck {
  status: HealthStatus;
  latencyMs?: number;
  detail?: string;
  [more: string]: unknown;
}

export interface Readiness {
  /** Whether traffic may come: `degraded` (Redis is away) still takes it. */
  ok: boolean;
  status: HealthStatus;
  /** Why not: `migrations.pending`, `dependency.unavailable`, `service.starting`, `service.stopping`. */
  code?: string;
  detail?: string;
  checks: Record<string, HealthCheck>;
}

export interface Health {
  status: HealthStatus;
  checks: Record<string, HealthCheck>;
  [more: string]: unknown;
}

/** Where the probes ask; each answers within its own time limits and never rejects. */
export interface HealthSource {
  ready(): Promise<Readiness>;
  health(): Promise<Health>;
}

export interface ProbesOptions {
  health: HealthSource;
  /** What the access rules want of a route that needs no key. */
  config?: FastifyContextConfig;
}

const Status = StrEnum(['ok', 'degraded', 'unavailable']);
const Check = Type.Object(
  {
    status: Status,
    latencyMs: Type.Optional(Type.Number({ minimum: 0 })),
    detail: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);
const Checks = Type.Record(Type.String(), Check);
const Live = Type.Object({ status: StrEnum(['ok']) });
const Report = Type.Object({ status: Status, checks: Checks }, { additionalProperties: true });

const notReady = ({ code, detail, status, checks }: Readiness): AppError =>
  new AppError(503, code ?? 'dependency.unavailable', detail ?? 'The service cannot take traffic now.', {
    members: { readiness: status, checks },
    headers: { 'retry-after': '1' },
  });

/**
 * Probes for load balancers and people: `/live` (the process answers), `/ready` (it may take traffic, else 503 with the
 * reason) and `/health` (everything it depends on, in detail; always 200). They need no key and are never limited.
 */
export const probes = fp<ProbesOptions>(
  async (app, { health, config }) => {
    const route = { config: { ...config, probe: true }, logLevel: 'warn' as const };
    const schema = { tags: ['service'] };

    app.get(
      '/live',
      {
        ...route,
        schema: {
          ...schema,
          operationId: 'getLive',
          summary: 'The process answers',
          response: { 200: Live },
        },
      },
      async () => ({ status: 'ok' as const }),
    );
    app.get(
      '/ready',
      {
        ...route,
        schema: {
          ...schema,
          operationId: 'getReady',
          summary: 'The service may take traffic',
          description:
            '503 while it starts, stops, waits for migrations, or has no database. Redis only degrades it.',
          response: { 200: Report, ...problemResponses(503) },
        },
      },
      async () => {
        const readiness = await health.ready();
        if (!readiness.ok) throw notReady(readiness);
        return { status: readiness.status, checks: readiness.checks };
      },
    );
    app.get(
      '/health',
      {
        ...route,
        schema: {
          ...schema,
          operationId: 'getHealth',
          summary: 'Every dependency with its status, latency, pool and migrations',
          response: { 200: Report },
        },
      },
      () => health.health(),
    );
  },
  { name: 'probes' },
);
