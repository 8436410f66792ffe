/** The house's import rules: docs/adding-a-module.md says why. */
const module_ = '^src/modules/([^/]+)/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-imports-nothing',
      comment: 'Rules are pure: they know the words of the kernel and the shapes of their own module.',
      severity: 'error',
      from: { path: '/domain\\.ts$' },
      to: { pathNot: ['^src/kernel/(context|gates|time)\\.ts$', '^src/modules/[^/]+/(schemas|model)\\.ts$'] },
    },
    {
      name: 'services-know-no-http-server',
      comment: 'Only routes, plugins and the edge know Fastify.',
      severity: 'error',
      from: { path: '^src/modules/', pathNot: '(routes|index)\\.ts$' },
      to: { path: 'node_modules/(fastify|@fastify)/' },
    },
    {
      name: 'routes-use-services',
      severity: 'error',
      from: { path: '^src/modules/.*routes\\.ts$' },
      to: { path: '(queries|repository)\\.ts$|^src/generated/' },
    },
    {
      name: 'modules-by-their-index',
      comment: 'Another slice is seen through its index.ts only.',
      severity: 'error',
      from: { path: module_ },
      to: { path: module_, pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/index\\.ts$'] },
    },
    {
      name: 'kernel-knows-no-http-server',
      comment: 'What the kernel knows of HTTP is its words; Fastify is known to the plugins.',
      severity: 'error',
      from: { path: '^src/kernel/', pathNot: '\\.test\\.ts$' },
      to: { path: ['node_modules/(fastify|@fastify)/', '^src/plugins/'] },
    },
    {
      name: 'kernel-knows-no-modules',
      severity: 'error',
      from: { path: '^src/(kernel|plugins|config)/' },
      to: { path: '^src/modules(/|\\.ts)' },
    },
    {
      name: 'agent-speaks-http-only',
      severity: 'error',
      from: { path: '^src/agent/' },
      to: { path: '^src/(?!agent/)' },
    },
    {
      name: 'prisma-in-one-place',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(generated/|kernel/db/prisma\\.ts)' },
      to: { path: '^src/generated/' },
    },
    {
      name: 'environment-in-one-place',
      comment: 'Settings are parsed in src/config and handed down.',
      severity: 'error',
      from: { path: '^src/(kernel|plugins|modules|agent)/' },
      to: { path: '^src/config/(?!index\\.ts$)' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: false,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/generated' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
