import { integer } from '../../kernel/settings.ts';
import { defineModule } from '../../module.ts';
import { catalogue } from '../catalogue/index.ts';
import { inventory } from '../inventory/index.ts';
import { liveness } from '../liveness/index.ts';
import { Challenges } from './challenges.ts';
import { FindingService } from './finding-service.ts';
import { openChallenges } from './queries.ts';
import { registerRoutes } from './routes.ts';
import { VerificationService } from './service.ts';
import { Verdicts } from './verdicts.ts';

const settings = {
  challengeTtlS: integer('VERIFICATION_CHALLENGE_TTL_S', 'Seconds for which a challenge can be answered', {
    default: 300,
    min: 1,
    max: 86_400,
  }),
} as const;

/** Is a GPU what it claims to be? Challenge, evidence, verdict, level, and the findings that speak against it. */
export const verifications = defineModule({
  name: 'verifications',
  dependsOn: [catalogue, inventory, liveness],
  settings,
  create(kernel, use, { challengeTtlS }) {
    const services = {
      challenges: new Challenges(kernel.db, challengeTtlS),
      verdicts: new Verdicts(kernel.db, use(catalogue)),
      verifications: new VerificationService(kernel),
      findings: new FindingService(kernel),
    };
    use(liveness).connectOrders(openChallenges);
    return { api: {}, routes: (app) => registerRoutes(app, services) };
  },
});
