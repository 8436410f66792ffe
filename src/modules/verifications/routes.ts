import { listQuerySchema } from '../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { IdParams } from '../../kernel/http/params.ts';
import { PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { created, page } from '../../plugins/reply.ts';
import type { Challenges } from './challenges.ts';
import { verifications } from './collection.ts';
import { findings } from './finding-collection.ts';
import { Finding, ResolveFinding } from './finding-schemas.ts';
import type { FindingService } from './finding-service.ts';
import { CreateVerification, DecideVerification, SubmitEvidence, Verification } from './schemas.ts';
import type { VerificationService } from './service.ts';
import type { Verdicts } from './verdicts.ts';

interface Services {
  challenges: Challenges;
  verdicts: Verdicts;
  verifications: VerificationService;
  findings: FindingService;
}

const schemas = [
  Verification,
  CreateVerification,
  SubmitEvidence,
  DecideVerification,
  Finding,
  ResolveFinding,
];

export function registerRoutes(app: App, services: Services): void {
  for (const schema of schemas) app.addSchema(schema);
  registerLifecycle(app, services);
  registerReads(app, services.verifications);
  registerFindings(app, services.findings);
}

function registerLifecycle(app: App, { challenges, verdicts }: Services): void {
  app.post(
    '/v1/verifications',
    {
      config: { permission: 'verifications:create' },
      schema: {
        ...operation(
          'createVerification',
          'verifications',
          'Challenge a GPU',
          'The nonce is bound to the GPU and the kind, and good for one submission of evidence until `expiresAt`.',
        ),
        body: ref(CreateVerification),
        response: { 201: ref(Verification), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      const challenge = await challenges.create(request.ctx, request.body);
      return created(reply, `/v1/verifications/${challenge.id}`, challenge);
    },
  );

  app.post(
    '/v1/verifications/:id/evidence',
    {
      config: { permission: 'verifications:submit' },
      schema: {
        ...operation(
          'submitEvidence',
          'verifications',
          'Answer a challenge',
          'A nonce that was used, or is another challenge’s: 409. A late one: 410.',
        ),
        params: IdParams,
        body: ref(SubmitEvidence),
        response: { 200: ref(Verification), ...writeProblems(404, 410, 412) },
      },
    },
    async (request) => challenges.submit(request.ctx, request.params.id, request.ifMatch, request.body),
  );

  app.post(
    '/v1/verifications/:id/verdict',
    {
      config: { permission: 'verifications:decide' },
      schema: {
        ...operation(
          'decideVerification',
          'verifications',
          'Decide a verification',
          '`valid` grants a level for the time that the policy of the kind says; `invalid` takes all levels; ' +
            '`unverifiable` changes nothing about the GPU. An open `spec_mismatch` keeps a GPU from rising.',
        ),
        params: IdParams,
        body: ref(DecideVerification),
        response: { 200: ref(Verification), ...writeProblems(404, 412) },
      },
    },
    async (request) => verdicts.decide(request.ctx, request.params.id, request.ifMatch, request.body),
  );
}

function registerReads(app: App, service: VerificationService): void {
  app.get(
    '/v1/verifications',
    {
      config: { permission: 'verifications:read' },
      schema: {
        ...operation(
          'listVerifications',
          'verifications',
          'List verifications',
          'Without `evidence`, which a single verification shows.',
        ),
        querystring: listQuerySchema(verifications),
        response: { 200: PageOf(Verification), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );

  app.get(
    '/v1/verifications/:id',
    {
      config: { permission: 'verifications:read' },
      schema: {
        ...operation('getVerification', 'verifications', 'Get a verification'),
        params: IdParams,
        response: { 200: ref(Verification), ...readProblems(404) },
      },
    },
    async (request) => service.get(request.ctx, request.params.id),
  );
}

function registerFindings(app: App, service: FindingService): void {
  app.get(
    '/v1/findings',
    {
      config: { permission: 'findings:read' },
      schema: {
        ...operation('listFindings', 'findings', 'List findings'),
        querystring: listQuerySchema(findings),
        response: { 200: PageOf(Finding), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );

  app.post(
    '/v1/findings/:id/resolve',
    {
      config: { permission: 'findings:resolve', emptyBody: true },
      schema: {
        ...operation(
          'resolveFinding',
          'findings',
          'Resolve a finding',
          'Twice: the same answer, no second effect.',
        ),
        params: IdParams,
        body: ref(ResolveFinding),
        response: { 200: ref(Finding), ...changeProblems() },
      },
    },
    async (request) => service.resolve(request.ctx, request.params.id, request.ifMatch, request.body ?? {}),
  );
}
