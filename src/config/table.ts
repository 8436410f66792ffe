import type { Setting, Settings } from '../kernel/settings.ts';
import { coreSettings } from './settings.ts';

const row = ({ env, defaultText, doc }: Setting<unknown>): string =>
  `| \`${env}\` | ${defaultText && `\`${defaultText}\``} | ${doc} |`;

/** The configuration table of the README, in Markdown, from the settings themselves. */
export function settingsTable(sections: readonly { settings?: Settings }[]): string {
  const all: Settings[] = [coreSettings, ...sections.map(({ settings }) => settings ?? {})];
  const rows = all.flatMap((section) => Object.values(section)).map(row);
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}
