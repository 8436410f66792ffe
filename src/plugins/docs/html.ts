/** Addresses are relative, so that the pages also work below the path of a proxy. */
const head = (title: string): string =>
  [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${title}</title>`,
  ].join('\n');

/** The page of Swagger UI. */
export const swaggerHtml = `${head('DePIN Inventory API')}
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<style>body { margin: 0 } .swagger-ui .info { margin: 30px 0 }</style>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;

/** https://swagger.io/docs/open-source-tools/swagger-ui/usage/configuration/ */
const settings = {
  dom_id: '#swagger-ui',
  url: 'openapi.json',
  validatorUrl: null,
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  displayOperationId: true,
  requestSnippetsEnabled: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  filter: true,
};

export const swaggerScript = `SwaggerUIBundle(${JSON.stringify(settings, null, 2)});\n`;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (sign) => escapes[sign] ?? sign);

/** Gives the first mention of each `module.reason` in backticks an anchor of that name. */
function anchorCodes(text: string): string {
  const seen = new Set<string>();
  return text.replace(/`((?:[a-z_]+\.)?[a-z_]+)`/g, (mention, code: string) => {
    if (seen.has(code)) return mention;
    seen.add(code);
    return `<b id="${code}">${code}</b>`;
  });
}

/** The error codes as they are written down, each to be found by the fragment of a problem's `type`. */
export const errorsHtml = (markdown: string): string => `${head('Error codes')}
<style>
  body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 15px/1.6 system-ui, sans-serif }
  pre { white-space: pre-wrap; font: inherit }
  b:target { background: #fe9 }
</style>
<pre>${anchorCodes(escapeHtml(markdown))}</pre>
</html>
`;
