// npm losant-rest.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// The package is installed elsewhere.
const losant = createRequire(process.env.NODE_PACKAGES)('losant-rest');

const LEAN = { _links: 'false', _actions: 'false', _embedded: 'false' };

const job = JSON.parse(process.argv[2]);
const client = losant.createClient({ url: job.url, accessToken: job.credentials.token });

const works = {
  nothing: async () => ({ tokens: 0, letters: 0 }),

  list: async () => {
    let tokens = 0;
    let letters = 0;
    for (let page = 0; ; page += 1) {
      const params = { page, perPage: job.page_size, sortField: 'id', sortDirection: 'asc', ...LEAN };
      const { items, totalCount } = await client.userApiTokens.get(params);
      tokens += items.length;
      for (const { name, description, scope, expirationDate } of items) {
        letters += (name ?? '').length + (description ?? '').length + (scope ?? []).length;
        letters += Number(expirationDate !== undefined && expirationDate !== null);
      }
      if (tokens >= totalCount || items.length === 0) return { tokens, letters };
    }
  },

  live: async () => {
    let started = 0;
    let letters = 0;
    const someOfThem = async () => {
      while (started < job.tokens) {
        const name = `${job.names}-${started}`;
        started += 1;
        const { id: apiTokenId } = await client.userApiTokens.post({ apiToken: { name }, ...LEAN });
        const token = await client.userApiToken.get({ apiTokenId, ...LEAN });
        letters += token.name.length;
        await client.userApiToken.delete({ apiTokenId, ...LEAN });
      }
    };
    await Promise.all(Array.from({ length: job.at_a_time }, someOfThem));
    return { tokens: started, letters };
  },
};

const started = performance.now();
const result = await works[job.work]();
const wall = (performance.now() - started) / 1000;
const { userCPUTime, systemCPUTime } = process.resourceUsage();
console.log(JSON.stringify({
  ...result,
  wall,
  processor: (userCPUTime + systemCPUTime) / 1e6,
  // In KiB. `maxRSS` would include the memory of the parent.
  peak_memory: Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]),
}));
// Open connections would keep the process alive.
process.exit();
