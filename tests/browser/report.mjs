// The page of `tokenfleet report` in a real browser: node report.mjs PAGE LARGE_PAGE DIRECTORY
//
// Prints one line per check. Pictures of the page at each width are written to DIRECTORY.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [page, largePage, directory] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let failed = 0;

function check(name, holds, found = '') {
  console.log(`${holds ? 'ok' : 'not ok'} ${name}${holds ? '' : `: ${JSON.stringify(found)}`}`);
  failed += holds ? 0 : 1;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});

// Opens the page, and collects whatever it should not do.
async function open(file, options) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  const incidents = [];
  tab.on('request', (request) => {
    if (request.url() !== pathToFileURL(file).href) incidents.push(`request: ${request.url()}`);
  });
  tab.on('console', (message) => incidents.push(`console: ${message.text()}`));
  tab.on('pageerror', (error) => incidents.push(`error: ${error}`));
  tab.on('dialog', (dialog) => {
    incidents.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await tab.goto(pathToFileURL(file).href);
  return { tab, incidents };
}

const column = (tab, number) =>
  tab.locator(`#rows tbody tr:visible td:nth-child(${number})`).allTextContents();

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 900, 1400]) {
    const name = `${colorScheme}, ${width} pixels`;
    const { tab, incidents } = await open(page, { colorScheme, viewport: { width, height: 900 } });
    const overflow = await tab.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    check(`${name}: only tables scroll sideways`, overflow <= 0, overflow);
    // The page forbids every other script; the checker runs outside of its policy.
    const session = await tab.context().newCDPSession(tab);
    await session.send('Runtime.evaluate', { expression: axe });
    const { result } = await session.send('Runtime.evaluate', {
      expression: 'axe.run().then((found) => JSON.stringify(found.violations.map(({ id, nodes }) => [id, nodes.length, nodes[0].html])))',
      awaitPromise: true,
    });
    const violations = JSON.parse(result.value ?? '["not run"]');
    check(`${name}: accessible`, violations.length === 0, violations);
    check(`${name}: nothing but the page is loaded, said or run`, incidents.length === 0, incidents);
    await tab.screenshot({ path: `${directory}/${colorScheme}-${width}.png` });
    await tab.context().close();
  }
}

{
  const { tab, incidents } = await open(page, { viewport: { width: 1400, height: 900 } });
  const headings = await tab.locator('#rows th').allTextContents();
  check('every cell is below its heading', JSON.stringify(headings) === JSON.stringify([
    'account', 'provider', 'id', 'name', 'attention', 'state', 'created', 'expiry', 'last used', 'scopes',
  ]), headings);
  const names = await column(tab, 4);
  for (const hostile of ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '</td></tr></table>&lt;b&gt;']) {
    check(`a hostile name is text: ${hostile}`, names.includes(hostile), names.slice(0, 5));
  }
  check('no name became an element', (await tab.locator('main img, main b, main script').count()) === 0);
  check('the account that failed is named first', (await tab.locator('main > *').first().textContent()).includes('broken'));

  // By keyboard alone: to the filter, then to the heading of the names.
  for (let presses = 0; presses < 20; presses += 1) {
    await tab.keyboard.press('Tab');
    if (await tab.evaluate(() => document.activeElement.id === 'filter')) break;
  }
  await tab.keyboard.type('GRAFANA');
  const filtered = await column(tab, 4);
  check('the filter shows only what matches', filtered.length > 0 && filtered.every((name) => /grafana/i.test(name)), filtered);
  const told = await tab.locator('.filter output').textContent();
  check('the filter tells how many match', told.startsWith(`${filtered.length} of `), told);
  for (let presses = 0; presses < 20; presses += 1) {
    await tab.keyboard.press('Tab');
    if (await tab.evaluate(() => document.activeElement.textContent === 'name')) break;
  }
  await tab.keyboard.press('Enter');
  const ascending = await column(tab, 4);
  await tab.keyboard.press('Enter');
  const descending = await column(tab, 4);
  check('a heading sorts in both directions', ascending.length > 1 && ascending[0] !== descending[0]
    && JSON.stringify(ascending) === JSON.stringify([...descending].reverse()), [ascending, descending]);
  const sorted = await tab.locator('#rows th[aria-sort]').allTextContents();
  check('the sorted heading says so', JSON.stringify(sorted) === '["name"]', sorted);
  check('sorting and filtering did nothing else', incidents.length === 0, incidents);
  await tab.context().close();
}

{
  const { tab } = await open(page, { javaScriptEnabled: false, viewport: { width: 900, height: 900 } });
  check('without a script every row is there', (await column(tab, 4)).length > 100);
  check('without a script there is no filter', !(await tab.locator('.filter').isVisible()));
  await tab.context().close();
}

{
  const { tab, incidents } = await open(largePage, { viewport: { width: 1400, height: 900 } });
  const text = await tab.locator('header').textContent();
  check('a large inventory is counted whole', text.includes('100,000 tokens'), text);
  const shown = await tab.locator('#rows tbody tr').count();
  check('a large inventory shows the most urgent tokens', shown === 5_000, shown);
  const said = await tab.locator('section[aria-labelledby=tokens] > p').first().textContent();
  check('the page says that more exist', said.includes('5,000 most urgent of 100,000'), said);
  await tab.getByRole('button', { name: 'expiry' }).click();
  check('a large page still sorts', (await column(tab, 8)).length === 5_000);
  check('a large page does nothing else', incidents.length === 0, incidents);
  await tab.context().close();
}

await browser.close();
process.exit(failed ? 1 : 0);
