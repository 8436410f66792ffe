import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

type Labels = Readonly<Record<string, string>>;

/**
 * Where anybody registers a metric, by Prometheus' rules for names: base units in the name (`_seconds`, `_bytes`),
 * `_total` on counters alone, labels of few values and never an id.
 */
export interface Metrics {
  counter(
    name: string,
    help: string,
    labels?: readonly string[],
  ): { add(by?: number, labels?: Labels): void };
  /** Read whenever the metrics are asked for; a reading that fails shows as NaN and spoils no other. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void;
  histogram(
    name: string,
    help: string,
    options?: { buckets?: readonly number[]; labels?: readonly string[] },
  ): { observe(value: number, labels?: Labels): void };
  /** All metrics in the text format of Prometheus. */
  render(): Promise<{ contentType: string; text: string }>;
}

/** A registry of its own: nothing is shared between two applications in one process. */
export function createMetrics({ ofProcess = true }: { ofProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (ofProcess) collectDefaultMetrics({ register: registry });
  return {
    counter(name, help, labelNames = []) {
      const counter = new Counter({ name, help, labelNames, registers });
      return { add: (by = 1, labels = {}) => counter.inc(labels, by) };
    },
    gauge(name, help, read) {
      const readOrNan = async () => read();
      const collect = async function (this: Gauge) {
        this.set(await readOrNan().catch(() => Number.NaN));
      };
      new Gauge({ name, help, registers, collect });
    },
    histogram(name, help, { buckets, labels: labelNames = [] } = {}) {
      const given = buckets ? { buckets: [...buckets] } : {};
      const histogram = new Histogram({ name, help, labelNames, registers, ...given });
      return { observe: (value, labels = {}) => histogram.observe(labels, value) };
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

export interface MetricsOptions {
  metrics: Metrics;
  /** Loopback port of `/metrics`; 0 takes a free one, null opens none. */
  port: number | null;
}

const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

const labelsOf = ({ method, routeOptions }: FastifyRequest, { statusCode }: FastifyReply) => ({
  method,
  route: routeOptions.url ?? 'unmatched',
  status: `${Math.floor(statusCode / 100)}xx`,
});

function listener(metrics: Metrics): Server {
  return createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end();
    try {
      const { contentType, text } = await metrics.render();
      return response.writeHead(200, { 'content-type': contentType }).end(text);
    } catch {
      return response.writeHead(500).end();
    }
  });
}

/**
 * Measures every request by method, route template and class of status, and serves all metrics on a listener of its
 * own on loopback, where no caller of the API can reach them (OWASP ASVS 13.4.5).
 */
export const metrics = fp<MetricsOptions>(
  async (app, { metrics: registry, port }) => {
    const duration = registry.histogram('http_request_duration_seconds', 'Time from request to answer', {
      buckets: durationBuckets,
      labels: ['method', 'route', 'status'],
    });
    app.addHook('onResponse', (request, reply, done) => {
      duration.observe(reply.elapsedTime / 1000, labelsOf(request, reply));
      done();
    });
    if (port === null) return;
    const server = listener(registry);
    app.addHook('onReady', async () => {
      await listen(server, port);
      app.log.info({ port: (server.address() as AddressInfo).port }, 'metrics on loopback');
    });
    app.addHook('onClose', async () => {
      server.closeAllConnections();
      server.close();
    });
  },
  { name: 'metrics' },
);

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
