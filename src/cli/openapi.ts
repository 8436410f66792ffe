import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { pino } from 'pino';
import { createApplication } from '../app.ts';
import { loadConfig } from '../config/index.ts';
import { modules } from '../modules.ts';
import { does, type Flags } from './command.ts';
import type { Shell } from './shell.ts';

/** `openapi [--out file]`: the document that the service serves at `/openapi.json`, without a database. */
export function openapiCommand(program: Command, shell: Shell): void {
  does(
    program
      .command('openapi')
      .description('Write the OpenAPI document of this release; needs no database')
      .option('--out <file>', 'write it there instead of to standard output'),
    shell,
    async ({ out }: Flags & { out?: string }) => {
      const document = await openapiDocument();
      const text = JSON.stringify(document, null, 2);
      if (out === undefined) return { result: document, lines: [text] };
      await mkdir(dirname(out), { recursive: true });
      await writeFile(out, `${text}\n`);
      const paths = Object.keys(document.paths ?? {}).length;
      return { result: { file: out, paths }, lines: [`${out}: ${paths} paths`] };
    },
  );
}

/** By default settings, whatever the environment says: equal sources always give an equal document. */
async function openapiDocument(): Promise<{ paths?: object }> {
  const application = await createApplication(loadConfig(modules, {}), pino({ level: 'silent' }));
  try {
    await application.app.ready();
    return application.app.swagger();
  } finally {
    await application.close();
  }
}
