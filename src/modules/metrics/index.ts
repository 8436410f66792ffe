import { ensurePartitionsAhead } from '../../kernel/partitions.ts';
import { defineModule } from '../../module.ts';
import { inventory } from '../inventory/index.ts';
import { UsageAnswers } from './answers.ts';
import { Fold } from './fold.ts';
import { SampleIngest } from './ingest.ts';
import { registerRoutes } from './routes.ts';
import { metricSeries } from './series.ts';
import { metricSettings } from './settings.ts';

/** Samples of what GPUs do, and what they come to over time. */
export const metrics = defineModule({
  name: 'metrics',
  optional: true,
  dependsOn: [inventory],
  settings: metricSettings,
  series: (settings) => Object.values(metricSeries(settings)),
  create({ db }, _use, settings) {
    const series = metricSeries(settings);
    const ingest = new SampleIngest(db, series);
    const answers = new UsageAnswers({ db, keepDays: series.samples.keepDays });
    const fold = new Fold(db, series);
    return {
      api: {},
      routes: (app) => registerRoutes(app, { ingest, answers }),
      workers: [{ name: 'metrics.fold', intervalMs: 5000, run: () => fold.run() }],
      start: () => ensurePartitionsAhead(db, series.samples),
    };
  },
});
