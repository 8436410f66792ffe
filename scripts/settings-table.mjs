// Prints the configuration table of the README from the settings themselves. Run after `npm run build`.
import { coreSettings } from '../dist/config/settings.js';
import { modules } from '../dist/modules.js';

const sections = [coreSettings, ...modules.map(({ settings }) => settings ?? {})];
const rows = sections.flatMap((section) => Object.values(section));
console.log('| variable | default | meaning |\n|---|---|---|');
for (const { env, defaultText, doc } of rows) console.log(`| \`${env}\` | ${defaultText && `\`${defaultText}\``} | ${doc} |`);
