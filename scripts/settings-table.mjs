// Prints the configuration table of the README. Run after `npm run build`.
import { settingsTable } from '../dist/config/table.js';
import { modules } from '../dist/modules.js';

console.log(settingsTable(modules));
