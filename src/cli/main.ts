#!/usr/bin/env node
import { loadConfig } from '../config/index.ts';
import { modules } from '../modules.ts';
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2), {
  config: () => loadConfig(modules),
  out: (text) => console.log(text),
  note: (text) => console.error(text),
  exitCode: 0,
});
